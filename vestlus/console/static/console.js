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
