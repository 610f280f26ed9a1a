"use strict";
(() => {
  const all = (selector) => document.querySelectorAll(selector);

  // The browser kept this page: it may be old.
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  // Of two clicks the server makes one anyway.
  for (const form of all("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.ariaBusy === "true") event.preventDefault();
      form.ariaBusy = "true";
      setTimeout(() => (form.ariaBusy = null), 5000); // it may be tried again
    });
  }

  // The server says how long; the end is said once.
  for (const wait of all("[data-wait]")) {
    const form = wait.closest("form");
    const ends = performance.now() + wait.dataset.wait * 1000;
    const lock = (locked) => form.querySelectorAll("button").forEach((button) => (button.disabled = locked));
    wait.ariaHidden = "true";
    lock(true);
    const timer = setInterval(() => {
      const left = Math.ceil((ends - performance.now()) / 1000);
      wait.querySelector("b").textContent = left;
      if (left > 0) return;
      clearInterval(timer);
      lock(false);
      wait.hidden = true;
      const ready = form.querySelector("[data-ready]");
      ready.textContent = ready.dataset.ready;
    }, 250);
  }

  // WebOTP: the code, from a message whose last line names this site.
  const field = document.querySelector("input[autocomplete=one-time-code]");
  if (field && "OTPCredential" in window) {
    const asked = new AbortController();
    field.form.addEventListener("submit", () => asked.abort());
    navigator.credentials
      .get({ otp: { transport: ["sms"] }, signal: asked.signal })
      .then(({ code }) => {
        field.value = code;
        if ("submit" in field.dataset) field.form.requestSubmit();
      })
      .catch(() => {}); // the person types it
  }
})();
