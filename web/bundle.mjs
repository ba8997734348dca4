// Bundles the page into a folder: node bundle.mjs FOLDER [--watch]
// The same sources and the same lock file give the same bytes.

import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { context } from "esbuild";

const [out, watch] = process.argv.slice(2);
const fonts = {
  "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "inter.woff2",
  "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2": "jetbrains-mono.woff2",
};

// Fonts get plain names, and are not inlined.
const plainFonts = {
  name: "plain-fonts",
  setup(build) {
    build.onResolve({ filter: /\.woff2$/ }, ({ path }) => ({ path: `./${fonts[path]}`, external: true }));
  },
};

await mkdir(`${out}/assets`, { recursive: true });
const bundle = await context({
  entryPoints: {
    app: "src/main.ts",
    worker: "src/checker/worker.ts",
    "theme-first": "src/theme-first.ts",
  },
  outdir: `${out}/assets`,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome110", "firefox115", "safari16.4"],
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
  plugins: [plainFonts],
});
await bundle.rebuild();
for (const [from, to] of Object.entries(fonts)) await cp(`node_modules/${from}`, `${out}/assets/${to}`);
await cp("wasm/browser.wasm", `${out}/assets/browser.wasm`);
await cp("src/icon.svg", `${out}/assets/icon.svg`);
await cp("src/index.html", `${out}/index.html`);

// What others wrote and is in here comes with its licence.
const parts = ["lightweight-charts", "fancy-canvas", "@fontsource-variable/inter", "@fontsource-variable/jetbrains-mono"];
let notices = "";
for (const part of parts) {
  const { version, license } = JSON.parse(await readFile(`node_modules/${part}/package.json`, "utf8"));
  notices += `${part} ${version}, ${license}\n\n`;
  for (const file of ["NOTICE", "LICENSE"]) {
    const text = await readFile(`node_modules/${part}/${file}`, "utf8").catch(() => "");
    if (text) notices += `${text.trim()}\n\n`;
  }
}
await writeFile(`${out}/assets/licences.txt`, notices);
if (watch === "--watch") await bundle.watch();
else await bundle.dispose();
