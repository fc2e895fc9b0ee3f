// Fills in what only the browser knows: the address of this server, and the
// invitation in a link. Everything stays in this window; nothing is sent, and
// the page's Content-Security-Policy would not let it.
"use strict";

const COPIED_MS = 1600;

function fill(selector, text) {
  for (const place of document.querySelectorAll(selector)) {
    place.textContent = text;
  }
}

function showInvitation() {
  // What follows the # in an address never reaches a server.
  const code = /^#invite=([0-9A-Za-z-]{1,64})$/.exec(location.hash)?.[1];
  document.documentElement.classList.toggle("has-invitation", Boolean(code));
  if (code) fill("[data-invitation]", code);
}

function offerToCopy(command) {
  if (!navigator.clipboard) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = command.querySelector("code").textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = "Copy"; }, COPIED_MS);
  });
  command.append(button);
}

fill("[data-address]", location.origin);
showInvitation();
addEventListener("hashchange", showInvitation);
document.querySelectorAll(".command").forEach(offerToCopy);
document.documentElement.classList.add("is-filled");
