// The grid: what was published for an account, newest first.

const byId = (id) => document.getElementById(id);
const REFRESH_MS = 2000;
let shown = "";

function element(kind, name, text) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

function picture(item, number, count) {
  const figure = element("figure", "");
  const image = element("img", "");
  image.src = item.media;
  image.alt = item.alt ?? "";
  image.loading = "lazy";
  const place = count > 1 ? `${number + 1} of ${count}. ` : "";
  const said = item.alt ? `Alt text: ${item.alt}` : "No alt text";
  figure.append(image, element("figcaption", "", place + said));
  return figure;
}

function post(item) {
  const made = element("li", "post");
  const strip = element("div", "strip");
  const count = item.pictures.length;
  if (count > 1) {
    // Whoever has no mouse scrolls the strip by its keys.
    strip.tabIndex = 0;
    strip.setAttribute("role", "group");
    strip.setAttribute("aria-label", `${count} pictures`);
  }
  strip.append(...item.pictures.map((each, number) => picture(each, number, count)));
  const marks = element("p", "marks");
  if (item.kind === "STORIES") marks.append(element("span", "mark", "Story"));
  if (count > 1) marks.append(element("span", "mark", `${count} pictures`));
  if (item.is_ai_generated) marks.append(element("span", "mark", "Made with AI"));
  const at = element("time", "", new Date(item.created_at * 1000).toLocaleString());
  at.dateTime = new Date(item.created_at * 1000).toISOString();
  marks.append(at);
  made.append(strip);
  if (item.caption) made.append(element("p", "words", item.caption));
  made.append(marks);
  return made;
}

async function load() {
  const account = byId("account").value;
  const answer = await fetch(`/control/grid?${new URLSearchParams({ account })}`);
  if (!answer.ok) throw new Error(`the simulator says ${answer.status}`);
  const text = await answer.text();
  if (text === shown) return;
  shown = text;
  const body = JSON.parse(text);
  byId("account-name").textContent = body.account;
  byId("used").textContent =
    `${body.published_today} published and ${body.containers_today} containers made in 24 hours.`;
  byId("grid").replaceChildren(...body.posts.map(post));
  byId("empty").hidden = body.posts.length > 0;
}

async function refresh() {
  try {
    await load();
    byId("problem").hidden = true;
  } catch (error) {
    byId("problem").textContent = `The posts cannot be read: ${error.message}. Trying again…`;
    byId("problem").hidden = false;
  }
  setTimeout(refresh, REFRESH_MS);
}

async function start() {
  const info = await (await fetch("/control/info")).json();
  for (const id of info.accounts) {
    const made = element("option", "", id);
    made.value = id;
    byId("account").append(made);
  }
  byId("account-field").hidden = info.accounts.length < 2;
  const wanted = new URLSearchParams(location.search).get("account");
  if (info.accounts.includes(wanted)) byId("account").value = wanted;
  byId("account").addEventListener("change", load);
  await refresh();
}

start();
