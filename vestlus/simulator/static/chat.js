"use strict";

const byId = (id) => document.getElementById(id);
const scroll = byId("scroll");
const list = byId("messages");
const text = byId("text");
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

let stream = null;
let typingTimer = 0;
let seenSeq = 0;
const shown = new Map();

async function call(path, body) {
  const response = await fetch(path, body === undefined ? undefined : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || `The simulator answered ${response.status}.`);
  return answer;
}

function tell(problem) {
  byId("problem").textContent = problem;
  byId("problem").hidden = !problem;
}

function option(value, label) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = label;
  return made;
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Storage may be forbidden; then the choice lasts as long as the page.
  }
}

function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

async function start() {
  const info = await call("/control/info");
  // A path may break after each slash.
  const pieces = info.model_label.split(/(?<=\/)/).flatMap((piece) => [piece, document.createElement("wbr")]);
  byId("model").replaceChildren(...pieces);
  byId("account").replaceChildren(...info.accounts.map((id) => option(id, id)));
  byId("account-field").hidden = info.accounts.length < 2;
  byId("user").replaceChildren(...info.users.map((user) => option(user.id, user.name)));
  const account = recall("account");
  if (info.accounts.includes(account)) byId("account").value = account;
  const user = recall("user");
  const known = info.users.some((each) => each.id === user);
  byId("user").value = known ? user : info.default_user;
  open();
}

function open() {
  const account = byId("account").value;
  const user = byId("user").value;
  remember("account", account);
  remember("user", user);
  byId("peer").textContent = `Account ${account}`;
  list.replaceChildren();
  shown.clear();
  setTyping(0);
  if (stream) stream.close();
  stream = new EventSource(`/page/events?${new URLSearchParams({ account, user })}`);
  stream.onopen = () => connection("open", "Connected");
  stream.onerror = () => {
    connection("lost", "Connection lost, trying again…");
    // After an error status browsers give up, so a simulator that comes back is asked again here.
    if (stream.readyState === EventSource.CLOSED) setTimeout(open, 2000);
  };
  stream.addEventListener("snapshot", (event) => {
    const body = JSON.parse(event.data);
    const kept = new Set(body.messages.map((message) => message.seq));
    for (const [seq, item] of shown) {
      if (!kept.has(seq)) {
        item.remove();
        shown.delete(seq);
      }
    }
    update(body);
  });
  stream.addEventListener("change", (event) => update(JSON.parse(event.data)));
}

function connection(state, label) {
  byId("connection").dataset.state = state;
  byId("connection").textContent = label;
}

function update(body) {
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
  const fresh = body.messages.some((message) => !shown.has(message.seq));
  for (const message of body.messages) show(message);
  seenSeq = body.seen_seq;
  markDays();
  markSeen();
  setTyping(body.typing_seconds);
  byId("empty").hidden = shown.size > 0;
  if (atEnd || fresh) scroll.scrollTop = scroll.scrollHeight;
}

function show(message) {
  let item = shown.get(message.seq);
  if (!item) {
    item = document.createElement("li");
    item.className = `message ${message.direction} ${message.author}`;
    item.dataset.at = message.created_at;
    item.append(...contents(message));
    const meta = document.createElement("span");
    meta.className = "meta";
    item.append(meta);
    shown.set(message.seq, item);
    list.append(item);
  }
  item.querySelector(".meta").replaceChildren(...details(message));
}

function contents(message) {
  const author = document.createElement("span");
  author.className = "hidden";
  author.textContent = message.direction === "in" ? "You:" : message.author === "person" ? "A person:" : "Answer:";
  const parts = [author];
  for (const attachment of message.attachments) {
    const source = attachment.media ? `/media/${attachment.media}` : attachment.url;
    if (attachment.type === "image") {
      const image = document.createElement("img");
      image.src = source;
      image.alt = message.direction === "in" ? "Picture you sent" : "Picture you received";
      image.addEventListener("load", () => { scroll.scrollTop = scroll.scrollHeight; });
      parts.push(image);
    } else {
      const link = document.createElement("a");
      link.className = "bubble";
      link.href = source;
      link.rel = "noreferrer";
      link.textContent = `Attachment: ${attachment.type}`;
      parts.push(link);
    }
  }
  if (message.text) {
    const bubble = document.createElement("span");
    bubble.className = "bubble";
    bubble.textContent = message.text;
    parts.push(bubble);
  }
  return parts;
}

function details(message) {
  const when = document.createElement("time");
  const at = new Date(message.created_at * 1000);
  when.dateTime = at.toISOString();
  when.textContent = time.format(at);
  if (message.direction === "out") {
    return message.author === "person" ? [when, " · a person in the Instagram app"] : [when];
  }
  const state = document.createElement("span");
  state.className = message.delivery;
  const why = message.last_status ? `the service answered ${message.last_status}` : "the service does not answer";
  state.textContent = {
    sending: "sending…",
    delivered: "delivered",
    retrying: `retrying: ${why}`,
  }[message.delivery];
  return [when, " · ", state];
}

function markDays() {
  for (const mark of list.querySelectorAll(".day")) mark.remove();
  let last = "";
  for (const item of [...list.children]) {
    const label = day.format(new Date(item.dataset.at * 1000));
    if (label !== last) {
      const mark = document.createElement("li");
      mark.className = "day";
      mark.textContent = label;
      item.before(mark);
      last = label;
    }
  }
}

function markSeen() {
  const last = [...shown.entries()].at(-1);
  byId("seen").hidden = !(last && last[1].classList.contains("in") && last[0] <= seenSeq);
}

function setTyping(seconds) {
  clearTimeout(typingTimer);
  const place = byId("typing");
  if (seconds <= 0) {
    place.replaceChildren();
    return;
  }
  typingTimer = setTimeout(() => setTyping(0), seconds * 1000);
  if (place.firstChild) return;
  const dots = document.createElement("span");
  dots.className = "dots";
  dots.setAttribute("aria-hidden", "true");
  dots.append(...[1, 2, 3].map(() => document.createElement("i")));
  const words = document.createElement("span");
  words.className = "hidden";
  words.textContent = "The account is typing.";
  place.replaceChildren(dots, words);
}

function fit() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight + 2, 140)}px`;
}

async function write(body) {
  try {
    await call("/control/messages", { account: byId("account").value, user: byId("user").value, ...body });
    tell("");
    return true;
  } catch (error) {
    tell(`Not sent. ${error.message}`);
    return false;
  }
}

byId("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = text.value.trim();
  if (!said) return;
  text.value = "";
  fit();
  if (!(await write({ text: said })) && !text.value) {
    text.value = said;
    fit();
  }
  text.focus();
});

text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("composer").requestSubmit();
  }
});
text.addEventListener("input", fit);

byId("picture").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  try {
    const response = await fetch("/control/media", { method: "POST", headers: { "Content-Type": file.type }, body: file });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    await write({ attachments: [{ type: "image", url: answer.url }] });
  } catch (error) {
    tell(`The picture was not sent. ${error.message}`);
  }
});

byId("new-user").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = byId("new-name").value.trim();
  if (!name) return;
  try {
    const user = await call("/control/users", { user: name, name });
    const select = byId("user");
    if (![...select.options].some((each) => each.value === user.id)) select.append(option(user.id, user.name));
    select.value = user.id;
    byId("new-name").value = "";
    open();
    text.focus();
  } catch (error) {
    tell(error.message);
  }
});

byId("account").addEventListener("change", open);
byId("user").addEventListener("change", open);

start().catch((error) => tell(`The simulator does not answer. ${error.message}`));
