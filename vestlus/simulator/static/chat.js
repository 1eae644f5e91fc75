// The chat page: who writes to whom, and the stream of what happens.

import { actions, call, stopEditing, tell } from "./composer.js";
import { clear, element, keepOnly, update } from "./messages.js";

const byId = (id) => document.getElementById(id);
let stream = null;

function option(value, label) {
  const made = element("option", "", label);
  made.value = value;
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
  const pieces = info.model_label.split(/(?<=\/)/).flatMap((piece) => [piece, element("wbr")]);
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
  byId("to-grid").href = `/grid?${new URLSearchParams({ account })}`;
  stopEditing();
  clear();
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
    keepOnly(new Set(body.messages.map((message) => message.seq)));
    update(body, actions);
  });
  stream.addEventListener("change", (event) => update(JSON.parse(event.data), actions));
}

function connection(state, label) {
  byId("connection").dataset.state = state;
  byId("connection").textContent = label;
}

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
    byId("text").focus();
  } catch (error) {
    tell(error.message);
  }
});

byId("account").addEventListener("change", open);
byId("user").addEventListener("change", open);

start().catch((error) => tell(`The simulator does not answer. ${error.message}`));
