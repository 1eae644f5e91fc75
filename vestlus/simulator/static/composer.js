// Writing: text and pictures as the user, changes of what was written, answers of a person.

import { element } from "./messages.js";

const byId = (id) => document.getElementById(id);
const text = byId("text");
const MOST_PICTURES = 10;
let pictures = [];
let editing = null;

export async function call(path, body) {
  const response = await fetch(path, body === undefined ? undefined : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || `The simulator answered ${response.status}.`);
  return answer;
}

export function tell(problem) {
  byId("problem").textContent = problem;
  byId("problem").hidden = !problem;
}

export const actions = {
  edit(message) {
    editing = message;
    text.value = message.text;
    byId("editing").hidden = false;
    fit();
    text.focus();
  },
  async unsend(message) {
    await attempt("Not unsent.", () => call("/control/unsend", { mid: message.mid }));
    text.focus();
  },
  async react(message) {
    const action = message.reaction ? "unreact" : "react";
    await attempt("Not sent.", () => call("/control/react", { mid: message.mid, action }));
    text.focus();
  },
};

export function stopEditing() {
  if (editing) text.value = "";
  editing = null;
  byId("editing").hidden = true;
  fit();
}

async function attempt(what, work) {
  try {
    await work();
    tell("");
    return true;
  } catch (error) {
    tell(`${what} ${error.message}`);
    return false;
  }
}

function lane() {
  return { account: byId("account").value, user: byId("user").value };
}

function fit() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight + 2, 140)}px`;
}

async function upload(file) {
  const response = await fetch("/control/media", { method: "POST", headers: { "Content-Type": file.type }, body: file });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer.url;
}

function showChosen() {
  const place = byId("chosen");
  for (const image of place.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  place.replaceChildren(...pictures.map((file) => {
    const item = element("li");
    const image = element("img");
    image.src = URL.createObjectURL(file);
    image.alt = file.name;
    const remove = element("button", "", "×");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    remove.addEventListener("click", () => {
      pictures = pictures.filter((each) => each !== file);
      showChosen();
      text.focus();
    });
    item.append(image, remove);
    return item;
  }));
  place.hidden = pictures.length === 0;
}

async function send() {
  const said = text.value.trim();
  if (editing) {
    const mid = editing.mid;
    if (said && (await attempt("Not edited.", () => call("/control/edit", { mid, text: said })))) stopEditing();
    return;
  }
  if (!said && pictures.length === 0) return;
  const files = pictures;
  text.value = "";
  pictures = [];
  fit();
  showChosen();
  const sent = await attempt("Not sent.", async () => {
    const urls = await Promise.all(files.map(upload));
    const attachments = urls.map((url, index) => ({ type: "image", url, alt: files[index].name }));
    await call("/control/messages", { ...lane(), ...(said && { text: said }), attachments });
  });
  if (sent) return;
  if (!text.value) text.value = said;
  pictures = [...files, ...pictures];
  fit();
  showChosen();
}

byId("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  await send();
  text.focus();
});

text.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && editing) stopEditing();
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("composer").requestSubmit();
  }
});
text.addEventListener("input", fit);

byId("stop-editing").addEventListener("click", () => {
  stopEditing();
  text.focus();
});

byId("picture").addEventListener("change", (event) => {
  pictures = [...pictures, ...event.target.files].slice(0, MOST_PICTURES);
  event.target.value = "";
  showChosen();
  text.focus();
});

byId("person").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = byId("person-text").value.trim();
  const file = byId("person-picture").files[0];
  if (!said && !file) return;
  const sent = await attempt("The person's answer was not sent.", async () => {
    const attachments = file ? [{ type: "image", url: await upload(file), alt: file.name }] : [];
    await call("/control/personal-answer", { ...lane(), ...(said && { text: said }), attachments });
  });
  if (sent) event.target.reset();
  byId("person-text").focus();
});
