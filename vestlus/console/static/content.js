"use strict";

// A post that is written: the order of its pictures is that in which they are chosen, and it is
// shown as it would look.
for (const form of document.querySelectorAll("form[data-writes]")) {
  let order = form.elements.order.value.split(",").filter(Boolean);
  const boxes = [...form.querySelectorAll("input[name=picture]")];
  const preview = form.querySelector(".write-preview");
  const show = () => {
    const chosen = order.map((id) => boxes.find((box) => box.value === id)).filter(Boolean);
    form.elements.order.value = chosen.map((box) => box.value).join(",");
    for (const box of boxes) {
      const place = order.indexOf(box.value);
      box.closest("label").querySelector(".picker-order").textContent =
        place < 0 || order.length < 2 ? "" : String(place + 1);
    }
    preview.hidden = chosen.length === 0;
    preview.querySelector(".carousel").replaceChildren(...chosen.map((box) => {
      const picture = box.closest("label").querySelector("img").cloneNode();
      picture.removeAttribute("loading");
      return picture;
    }));
    preview.querySelector(".words").textContent =
      form.elements.story.checked ? "" : form.elements.caption.value;
  };
  form.addEventListener("change", (event) => {
    const box = event.target;
    if (box.name === "picture") {
      order = order.filter((id) => id !== box.value);
      if (box.checked) {
        order.push(box.value);
      }
    }
    show();
  });
  form.addEventListener("input", show);
  show();
}

// Files for the image bank: each is sent by itself, with its own words, and tells how far it is.
for (const form of document.querySelectorAll("form[data-uploads]")) {
  const said = form.dataset;
  const field = form.elements.file;
  const list = form.querySelector(".uploads");
  const drop = form.querySelector(".drop");
  const waiting = new Map();
  form.classList.add("scripted");
  for (const part of form.querySelectorAll("[data-per-file]")) {
    part.hidden = true;
    for (const one of part.querySelectorAll("[required]")) {
      one.required = false;
    }
  }

  const named = (name) => name.replace(/\.[^.]*$/, "").normalize("NFKD").toLowerCase()
    .replace(/[\u0300-\u036f]/g, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 56);

  const take = (files) => {
    for (const file of files) {
      const item = form.querySelector("template").content.firstElementChild.cloneNode(true);
      const picture = item.querySelector("img");
      item.querySelector(".upload-name").textContent = file.name;
      item.querySelector("[data-name=id]").value = named(file.name);
      item.querySelector("[data-name=shows]").required = true;
      picture.src = URL.createObjectURL(file);
      const forget = () => URL.revokeObjectURL(picture.src);
      picture.addEventListener("load", forget);
      picture.addEventListener("error", () => { forget(); picture.hidden = true; });
      item.querySelector(".upload-out").addEventListener("click", () => {
        waiting.delete(item);
        item.remove();
        field.focus();
      });
      list.append(item);
      waiting.set(item, file);
    }
    const first = list.querySelector(".upload:last-child [data-name=shows]");
    if (files.length && first) {
      first.focus();
    }
  };

  const told = (item, kind, words) => {
    item.dataset.state = kind;
    item.querySelector(".upload-said").textContent = words;
  };

  const refusal = (page) => {
    const parsed = new DOMParser().parseFromString(page, "text/html");
    const lines = [...parsed.querySelectorAll("main .problem li")].map((one) => one.textContent);
    return lines.join(" ") || parsed.querySelector("main p.problem, main h1 + p")?.textContent || "";
  };

  const send = (item, file) => new Promise((resolve) => {
    if (file.size > Number(said.largest)) {
      told(item, "failed", said.tooLarge);
      resolve(false);
      return;
    }
    const data = new FormData(form);
    data.delete("file");
    for (const one of item.querySelectorAll("[data-name]")) {
      data.set(one.dataset.name, one.value);
    }
    data.append("file", file);
    const bar = item.querySelector("progress");
    const request = new XMLHttpRequest();
    bar.hidden = false;
    told(item, "sending", said.sending);
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.lengthComputable ? (100 * event.loaded) / event.total : 0;
      if (event.loaded === event.total) {
        told(item, "sending", said.checking);
      }
    });
    request.addEventListener("loadend", () => {
      // The browser follows redirects by itself: the page that answered says what came of it.
      const path = request.responseURL ? new URL(request.responseURL).pathname : "";
      const done = request.status === 200 && path.startsWith("/console/images") &&
        path !== "/console/images/add";
      bar.hidden = true;
      if (done) {
        told(item, "sent", said.sent);
      } else if (path === "/console/sign-in") {
        told(item, "failed", said.failed);
        document.getElementById("ended").hidden = false;
      } else {
        const why = request.status ? refusal(request.responseText) : said.lost;
        told(item, "failed", why || said.failed);
      }
      resolve(done);
    });
    request.open("POST", form.action);
    request.send(data);
  });

  field.addEventListener("change", () => {
    take(field.files);
    field.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.remove("over");
    });
  }
  drop.addEventListener("drop", (event) => take(event.dataTransfer.files));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!waiting.size || form.dataset.busy) {
      field.focus();
      return;
    }
    form.dataset.busy = "yes";
    let all = true;
    for (const [item, file] of [...waiting]) {
      if (await send(item, file)) {
        waiting.delete(item);
        for (const one of item.querySelectorAll("input, textarea, .upload-out")) {
          one.disabled = true;
        }
      } else {
        all = false;
      }
    }
    delete form.dataset.busy;
    if (all) {
      location.assign("/console/images?notice=images.done.added_many");
    }
  });
}
