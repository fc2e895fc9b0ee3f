// Starts the page. The only place where addresses of scripts are made: the
// policy lets exactly two of our own pass (Trusted Types).
const WASM = "./sv_web.wasm";
const ENGINE = "./engine.js";
const SERVICE_WORKER = "./sw.js";

const ours = (url) => {
  if (url === ENGINE || url === SERVICE_WORKER) return url;
  throw new TypeError("not a script of this page");
};
const policy = globalThis.trustedTypes
  ? trustedTypes.createPolicy("securevault", { createScriptURL: ours })
  : { createScriptURL: ours };

// Gives the service worker once it controls this page.
async function startServiceWorker() {
  const workers = navigator.serviceWorker;
  await workers.register(policy.createScriptURL(SERVICE_WORKER), { scope: "/" });
  await workers.ready;
  if (!workers.controller) {
    await new Promise((resolve) => {
      workers.addEventListener("controllerchange", resolve, { once: true });
    });
  }
  return workers;
}

// The engine ends with its page, also where the browser keeps the page for the
// way back: it would hold the lock. On the way back, the page starts anew.
function startEngine() {
  const engine = new Worker(policy.createScriptURL(ENGINE), { type: "module", name: "engine" });
  addEventListener("pagehide", () => engine.terminate());
  return engine;
}
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

globalThis.securevault = {
  startEngine,
  startServiceWorker,
};

const splash = document.getElementById("splash");
splash.querySelector("a").addEventListener("click", (event) => {
  // Whatever the address says after its `#` is kept.
  event.preventDefault();
  location.reload();
});
try {
  const { default: init } = await import("./sv_web.js");
  await init({ module_or_path: WASM });
} catch (error) {
  // What stands there before the page says it; the page itself has its own words.
  splash.classList.add("is-failed");
  splash.querySelector(".splash-slow").hidden = true;
  splash.querySelector(".splash-failed").hidden = false;
  throw error;
}
