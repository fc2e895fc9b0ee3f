// The service worker. It holds no key and no secret: it passes requests for
// /vault/… on to the engine of a page, and keeps the files of the page for when
// the server is away.
"use strict";

// The build puts the addresses of this version in the place of these names.
const PAGE = "./index.html";
const FILES = ["./app.css", "./boot.js", "./engine.js", "./icon.svg", "./manifest.webmanifest", "./sv_engine.js", "./sv_engine.wasm", "./sv_web.js", "./sv_web.wasm"];
const CACHE = `files ${FILES.join(" ")}`;
const VAULT = "/vault/";
const PATIENCE_MS = 5000;
const ROOM = 16 * 1024 * 1024;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll([PAGE, ...FILES]);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return makeRoom();
  const url = new URL(event.request.url);
  if (url.origin !== self.location.origin) return;
  if (url.pathname.startsWith(VAULT)) {
    event.respondWith(fromEngine(event, url.pathname));
  } else if (event.request.mode === "navigate" && !url.pathname.startsWith("/v1/")) {
    event.respondWith(page(event.request));
  } else if (FILES.includes(url.pathname)) {
    event.respondWith(file(event.request));
  }
});

// Requests with a body go to the server, but the browser shows them here with all
// that is in them, and Chromium keeps that until this worker's garbage is
// collected. It makes so little that this would be after the upload: a file of
// 1 GiB would cost 1 GiB. Room that nobody writes to costs nothing, and has the
// browser collect.
function makeRoom() {
  new ArrayBuffer(ROOM);
}

// The newest page, or the kept one when the server is away.
async function page(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(PAGE);
    if (kept) return kept;
    throw error;
  }
}

// A file's name changes with its content: the kept one is the right one.
async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}

// Ports to engines, by page.
const engines = new Map();
let waiting = [];

self.addEventListener("message", (event) => {
  if (event.data instanceof MessagePort && event.source) {
    engines.set(event.source.id, event.data);
    for (const resolve of waiting.splice(0)) resolve();
  }
  // Any other message only keeps this worker alive while bytes move.
});

async function fromEngine(event, path) {
  const range = event.request.headers.get("range");
  const asked = new Set();
  for (let round = 0; round < 2; round += 1) {
    for (const [page, engine] of await known(event.clientId)) {
      if (asked.has(engine)) continue;
      asked.add(engine);
      const answer = await ask(engine, path, range);
      if (answer === null) engines.delete(page);
      else if (answer.status !== 404) return respond(answer);
    }
    if (round === 0) await introduce();
  }
  return new Response(null, { status: 404 });
}

// Engines of pages that are there, that of the asking page first.
async function known(first) {
  const there = new Set((await self.clients.matchAll({ includeUncontrolled: true })).map((page) => page.id));
  for (const page of engines.keys()) {
    if (!there.has(page)) engines.delete(page);
  }
  return [...engines].sort(([a], [b]) => (b === first) - (a === first));
}

// Asks every page for its engine: the browser stops this worker at any time,
// and it remembers nothing.
async function introduce() {
  for (const page of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    page.postMessage("introduce");
  }
  await new Promise((resolve) => {
    waiting.push(resolve);
    setTimeout(resolve, PATIENCE_MS);
  });
}

// The head of an engine's answer; null if there is none.
function ask(engine, path, range) {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    const limit = setTimeout(() => resolve(null), PATIENCE_MS);
    port1.onmessage = ({ data }) => {
      clearTimeout(limit);
      // No head at all: the engine has ended.
      if (!Array.isArray(data)) return resolve(null);
      const [status, headers] = data;
      resolve({ status, headers, port: port1 });
    };
    engine.postMessage([path, range, port2], [port2]);
  });
}

// The rest, pulled chunk by chunk. A text is a failure: the stream breaks, and
// the browser keeps nothing under the file's name.
function respond({ status, headers, port }) {
  const body = new ReadableStream({
    pull(controller) {
      return new Promise((resolve) => {
        port.onmessage = ({ data }) => {
          if (data === null) controller.close();
          else if (typeof data === "string") controller.error(new Error(data));
          else controller.enqueue(new Uint8Array(data));
          if (!(data instanceof ArrayBuffer)) port.close();
          resolve();
        };
        port.postMessage(1);
      });
    },
    cancel() {
      port.postMessage(0);
      port.close();
    },
  }, { highWaterMark: 1 });
  return new Response(body, { status, headers });
}
