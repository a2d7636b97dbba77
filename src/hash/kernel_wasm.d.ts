/** What a bundler for workerd makes of the import of `kernel.wasm`. */
declare const module: WebAssembly.Module;
export default module;
