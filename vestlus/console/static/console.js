"use strict";

// Asks before what cannot be taken back: <form data-confirm="…">.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
  }
});

// A form that filters sends itself when something in it is chosen: <form data-sends-itself>.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && "sendsItself" in form.dataset) {
    form.requestSubmit();
  }
});

// A session that is over: its streams say so, and parts of pages are refused. The page stays, with
// what its reader may have written, and tells.
const tellItIsOver = () => {
  const told = document.getElementById("ended");
  if (told) {
    told.hidden = false;
  }
};
document.addEventListener("htmx:sseOpen", (event) => {
  const stream = event.detail.source;
  stream.addEventListener("ended", () => {
    stream.close();
    tellItIsOver();
  });
});
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) {
    tellItIsOver();
  }
});
// A form is sent once, however often its button is pressed: <form data-once>.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("once" in form.dataset) || event.defaultPrevented) {
    return;
  }
  if (form.dataset.underWay) {
    event.preventDefault();
    return;
  }
  form.dataset.underWay = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-under-way]")) {
    delete form.dataset.underWay;
  }
});

// Tells how many bytes a text has: <textarea data-counts="ID">, where the element of that id has
// the words for one message and for many.
function count(field) {
  const place = document.getElementById(field.dataset.counts);
  if (place) {
    const bytes = new TextEncoder().encode(field.value.trim()).length;
    const words = bytes > 1000 ? place.dataset.many : place.dataset.one;
    place.textContent = words.replace("{n}", String(bytes));
  }
}
function countAll() {
  document.querySelectorAll("textarea[data-counts]").forEach(count);
}
document.addEventListener("input", (event) => {
  if (event.target.dataset && event.target.dataset.counts) {
    count(event.target);
  }
});
document.addEventListener("DOMContentLoaded", countAll);
document.addEventListener("htmx:afterSettle", countAll);

// Ctrl+Enter sends: <textarea data-enter-sends>.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  const sends = field.dataset && "enterSends" in field.dataset;
  if (sends && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    field.form.requestSubmit();
  }
});

// What somebody writes in is left alone by live updates: <… data-keep> in any case, and
// <… data-keep-written> while something is written in it, even where the update has it no more.
const isWritten = (node) => "keepWritten" in node.dataset && ("written" in node.dataset ||
  [...node.querySelectorAll("textarea, input:not([type=hidden])")].some((field) =>
    field === document.activeElement || field.value !== field.defaultValue));
// Those that an update would have changed, had they not been left alone.
const behind = new WeakSet();
const isLeftAlone = (node, fresh) => {
  const written = isWritten(node);
  if (written && !node.isEqualNode(fresh)) {
    behind.add(node);
  } else {
    behind.delete(node);
  }
  return written;
};
// Where a field only had the focus, what was held back for it comes when it is left.
document.addEventListener("focusout", (event) => {
  const part = event.target.closest("[data-keep-written]");
  if (part && behind.has(part) && !isWritten(part)) {
    window.htmx.trigger(part.closest("[hx-get]"), "sse:new");
  }
});
if (window.Idiomorph) {
  const { callbacks } = window.Idiomorph.defaults;
  callbacks.beforeNodeMorphed = (node, fresh) => {
    if (!(node instanceof HTMLElement)) {
      return true;
    }
    if (node instanceof HTMLDetailsElement && fresh instanceof HTMLDetailsElement) {
      // Its reader has opened it, or closed.
      fresh.open = node.open;
    }
    return !("keep" in node.dataset || isLeftAlone(node, fresh));
  };
  callbacks.beforeNodeRemoved = (node) => !(node instanceof HTMLElement && isLeftAlone(node));
  // The server does not know of it: what is being sent is sent once, whatever changes meanwhile.
  callbacks.beforeAttributeUpdated = (name) => name !== "data-under-way";
}

// Where an update takes away what had the focus, the reader goes on from <… data-takes-focus>.
let hadFocus = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const active = document.activeElement;
  hadFocus = event.detail.target.contains(active) ? active : null;
});
document.addEventListener("htmx:afterSettle", () => {
  if (hadFocus && !hadFocus.isConnected) {
    document.querySelector("[data-takes-focus]")?.focus();
  }
  hadFocus = null;
});

// What a page said once is not said again when it is loaded anew.
const address = new URL(location.href);
if (address.searchParams.has("notice") || address.searchParams.has("problem")) {
  address.searchParams.delete("notice");
  address.searchParams.delete("problem");
  history.replaceState(history.state, "", address);
}
