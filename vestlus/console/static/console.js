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
