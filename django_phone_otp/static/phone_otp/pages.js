"use strict";
(() => {
  const all = (selector) => document.querySelectorAll(selector);

  // A page that the browser kept says what was true then.
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  // A second click is held back; without this script the server makes one of two.
  for (const form of all("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.ariaBusy === "true") event.preventDefault();
      form.ariaBusy = "true";
      setTimeout(() => (form.ariaBusy = null), 5000); // whatever became of it, it may be tried again
    });
  }

  // The server says how long; this only counts down, and says so once, at the end.
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

  // WebOTP: the browser offers the code of the message that just came, when its last line names this site.
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
      .catch(() => {}); // given up, or not allowed here: the person types it
  }
})();
