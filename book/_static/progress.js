// Reading progress: the chapters read to their end, and the section where the reader was last. It is kept in this
// browser's localStorage and sent nowhere. Where that is blocked, and without scripts, nothing of it is seen.
const KEPT = "pixels-to-instances";

function load() {
  try { return { read: {}, ...JSON.parse(localStorage.getItem(KEPT)) }; } catch { return { read: {} }; }
}

function save(progress) {
  try { localStorage.setItem(KEPT, JSON.stringify(progress)); return true; } catch { return false; }
}

function canKeep() {
  const before = load();
  const kept = save(before) && Boolean(localStorage.getItem(KEPT));
  if (kept && !before.at && !Object.keys(before.read).length) localStorage.removeItem(KEPT);
  return kept;
}

function chapterOf(link) {
  return link.pathname.match(/\/notebooks\/(\d\d_\w+)\.html$/)?.[1];
}

function isRead(chapter) {
  return load().read[chapter] === true;
}

function markRead(chapter, read) {
  const progress = load();
  progress.read[chapter] = read;
  save(progress);
  show();
}

// the ticks in the contents and in the map; on the first page also the way back and the count
function show() {
  for (const link of document.querySelectorAll(".bd-links a, .map .to-chapter"))
    link.classList.toggle("read", isRead(chapterOf(link)));
  const { read, at } = load();
  const steps = [...document.querySelectorAll(".map .to-chapter")];
  const count = steps.filter(link => isRead(chapterOf(link))).length;
  const box = document.querySelector(".done input");
  if (box) box.checked = isRead(chapterOf(location));
  if (!steps.length) return;
  document.querySelector(".kept .count").textContent = count ? `So far: ${count} of ${steps.length}. ` : "";
  document.querySelector(".kept button").hidden = !at && !Object.keys(read).length;
  const place = steps.findIndex(link => chapterOf(link) === at?.chapter);
  const onward = at?.end && isRead(at.chapter) && steps[place + 1];
  const resume = document.querySelector(".resume");
  resume.classList.toggle("known", place >= 0);
  if (place < 0) return;
  const link = resume.querySelector("a");
  link.href = onward ? onward.href : steps[place].href + at.anchor;
  link.textContent = onward ? onward.textContent : at.title;
}

// the last heading above the middle of the screen
function remember(chapter) {
  const headings = [...document.querySelectorAll("article h1, article h2")];
  const passed = headings.filter(heading => heading.getBoundingClientRect().top < innerHeight / 2);
  const heading = passed.at(-1) ?? headings[0];
  const words = [...heading.childNodes].filter(node => !node.classList?.contains("headerlink"));
  save({ ...load(), at: {
    chapter, title: words.map(node => node.textContent).join("").trim(), end: heading === headings.at(-1),
    anchor: heading.tagName === "H2" ? `#${heading.closest("section").id}` : "",
  } });
}

function follow(chapter) {
  const box = document.querySelector(".done input");
  box.addEventListener("change", () => markRead(chapter, box.checked));
  // who has taken the tick away keeps it away
  new IntersectionObserver(([end]) => {
    if (end.isIntersecting && load().read[chapter] === undefined) markRead(chapter, true);
  }).observe(document.querySelector(".prev-next-area"));
  addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") remember(chapter);
  });
}

function forget() {
  localStorage.removeItem(KEPT);
  show();
  document.querySelector(".kept .count").textContent = "Forgotten. ";
  document.querySelector(".kept").focus();
}

if (canKeep()) {
  document.documentElement.classList.add("keeps-progress");
  document.querySelector(".kept button")?.addEventListener("click", forget);
  if (chapterOf(location)) follow(chapterOf(location));
  addEventListener("storage", show);
  addEventListener("pageshow", show);
  show();
}
