// Draws one conversation: messages, days, seen and typing.

const scroll = document.getElementById("scroll");
const list = document.getElementById("messages");
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const shown = new Map();
let typingTimer = 0;

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function clear() {
  list.replaceChildren();
  shown.clear();
  setTyping(0);
}

export function keepOnly(seqs) {
  for (const [seq, item] of shown) {
    if (!seqs.has(seq)) {
      item.remove();
      shown.delete(seq);
    }
  }
}

/** Shows what changed; `actions` are called with a message: edit, unsend, react. */
export function update(body, actions) {
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
  const fresh = body.messages.some((message) => !shown.has(message.seq));
  for (const message of body.messages) show(message, actions);
  markDays();
  markSeen(body.seen_seq);
  setTyping(body.typing_seconds);
  document.getElementById("empty").hidden = shown.size > 0;
  if (atEnd || fresh) scroll.scrollTop = scroll.scrollHeight;
}

function show(message, actions) {
  const content = JSON.stringify([message.text, message.attachments, message.unsent, message.edits, message.reaction]);
  let item = shown.get(message.seq);
  if (!item) {
    item = element("li", `message ${message.direction} ${message.author}`);
    item.dataset.at = message.created_at;
    const foot = element("div", "foot");
    foot.append(element("span", "meta"), element("span", "actions"));
    item.append(element("div", "content"), foot);
    shown.set(message.seq, item);
    list.append(item);
  }
  if (item.dataset.content !== content) {
    item.dataset.content = content;
    const focused = item.contains(document.activeElement);
    item.querySelector(".content").replaceChildren(...contents(message));
    item.querySelector(".actions").replaceChildren(...buttons(message, actions));
    if (focused) document.getElementById("text").focus();
  }
  item.querySelector(".meta").replaceChildren(...details(message));
}

function contents(message) {
  const who = message.direction === "in" ? "You:" : message.author === "person" ? "A person:" : "Answer:";
  const parts = [element("span", "hidden", who)];
  if (message.unsent) return [...parts, element("span", "bubble unsent", "Message unsent")];
  const pictures = message.attachments.filter((attachment) => attachment.type === "image");
  if (pictures.length > 0) {
    const group = element("span", pictures.length > 1 ? "pictures several" : "pictures");
    group.append(...pictures.map((picture, index) => drawn(picture, message, index, pictures.length)));
    parts.push(group);
  }
  for (const attachment of message.attachments.filter((each) => each.type !== "image")) {
    const link = element("a", "bubble", `Attachment: ${attachment.type}`);
    link.href = attachment.media || attachment.url;
    link.rel = "noreferrer";
    parts.push(link);
  }
  if (message.text) parts.push(element("span", "bubble", message.text));
  if (message.reaction) {
    const badge = element("span", "reaction", message.reaction);
    badge.setAttribute("role", "img");
    badge.setAttribute("aria-label", `You reacted with ${message.reaction}`);
    parts.push(badge);
  }
  return parts;
}

function drawn(picture, message, index, count) {
  const image = element("img");
  image.src = picture.media || picture.url;
  const whose = message.direction === "in" ? "Picture you sent" : "Picture you received";
  const place = count > 1 ? ` (${index + 1} of ${count})` : "";
  image.alt = picture.alt || `${whose}${place}, without a description`;
  image.addEventListener("load", () => { scroll.scrollTop = scroll.scrollHeight; });
  return image;
}

function buttons(message, actions) {
  const about = message.text ? `“${message.text.slice(0, 40)}”` : "picture";
  const button = (label, name, action) => {
    const made = element("button", "", label);
    made.type = "button";
    made.setAttribute("aria-label", `${name}: ${about}`);
    made.addEventListener("click", () => action(message));
    return made;
  };
  if (message.unsent) return [];
  if (message.direction === "in") {
    const unsend = button("Unsend", "Unsend message", actions.unsend);
    return message.text ? [button("Edit", "Edit message", actions.edit), unsend] : [unsend];
  }
  const name = message.reaction ? "Unlike: take your reaction back" : "Like: react with a heart";
  return [button(message.reaction ? "Unlike" : "Like", name, actions.react)];
}

function details(message) {
  const at = new Date(message.created_at * 1000);
  const when = element("time", "", time.format(at));
  when.dateTime = at.toISOString();
  const parts = [when];
  if (message.edits > 0 && !message.unsent) parts.push(" · edited");
  if (message.direction === "out") {
    const person = message.author === "person" || message.tag === "HUMAN_AGENT";
    if (person) parts.push(message.author === "person" ? " · a person in the Instagram app" : " · a person");
    return parts;
  }
  const why = message.last_status ? `the service answered ${message.last_status}` : "the service does not answer";
  const words = { sending: "sending…", delivered: "delivered", retrying: `retrying: ${why}` };
  return [...parts, " · ", element("span", message.delivery, words[message.delivery])];
}

function markDays() {
  for (const mark of list.querySelectorAll(".day")) mark.remove();
  let last = "";
  for (const item of [...list.children]) {
    const label = day.format(new Date(item.dataset.at * 1000));
    if (label !== last) {
      item.before(element("li", "day", label));
      last = label;
    }
  }
}

function markSeen(seenSeq) {
  const last = [...shown.entries()].at(-1);
  const own = last && last[1].classList.contains("in");
  document.getElementById("seen").hidden = !(own && last[0] <= seenSeq);
}

function setTyping(seconds) {
  clearTimeout(typingTimer);
  const place = document.getElementById("typing");
  if (seconds <= 0) {
    place.replaceChildren();
    return;
  }
  typingTimer = setTimeout(() => setTyping(0), seconds * 1000);
  if (place.firstChild) return;
  const dots = element("span", "dots");
  dots.setAttribute("aria-hidden", "true");
  dots.append(...[1, 2, 3].map(() => element("i")));
  place.replaceChildren(dots, element("span", "hidden", "The account is typing."));
}
