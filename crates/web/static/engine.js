// Starts the engine. Failing to is told to the page like any other end of it.
import init from "./sv_engine.js";

try {
  await init({ module_or_path: "./sv_engine.wasm" });
} catch (error) {
  reportError(error);
}
