// What is wider than the screen scrolls inside itself; this lets the arrow keys scroll it, too.
const WIDE = ".katex-html, .bd-article table, .pst-scrollable-table-container, .highlight pre, .cell_output";

function letKeysScroll() {
  for (const element of document.querySelectorAll(WIDE)) {
    if (element.scrollWidth > element.clientWidth + 1) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  }
}

addEventListener("load", letKeysScroll);
addEventListener("resize", letKeysScroll);

// On paper every page is light, whatever the screen shows.
let onScreen;
addEventListener("beforeprint", () => {
  onScreen = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => { document.documentElement.dataset.theme = onScreen; });
