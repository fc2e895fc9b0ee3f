// Starts the engine: the same program as the page's, which sees where it runs.
import init from "./web.js";

await init({ module_or_path: "./web.wasm" });
