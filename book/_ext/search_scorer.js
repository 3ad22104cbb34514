// How the site's search ranks what it finds. What defines a word comes first: its entry in the glossary,
// then the section and the chapter that teach it, then the package's functions, then pages that only use it.
var Scorer = {
  objNameMatch: 11, objPartialMatch: 6, objPrio: {0: 5, 1: 5, 2: -5}, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
  score: result => {
    const [page, , anchor, , score] = result;
    if (anchor.startsWith("#term-")) {
      result[1] = `Glossary: ${anchor.slice("#term-".length).replaceAll("-", " ")}`;
      return 100 + score;
    }
    if (/^notebooks\/\d/.test(page)) return score + (anchor ? 20 : 10);
    if (/^notebooks\/solutions|^book\/teach/.test(page)) return score - 10;
    return score;
  },
};

// below an entry of the glossary its definition is shown, not the word alone
addEventListener("DOMContentLoaded", () => {
  const usual = Search.htmlToText;
  Search.htmlToText = (page, anchor) => {
    if (!anchor?.startsWith("#term-")) return usual(page, anchor);
    const word = new DOMParser().parseFromString(page, "text/html").getElementById(anchor.slice(1));
    let part = word;
    while (part && part.tagName !== "DD") part = part.nextElementSibling;
    return `${word.firstChild.textContent.trim()}: ${part.textContent}`;
  };
});
