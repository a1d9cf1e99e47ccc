// How the application is built: on-demand Element Plus, hashed files into the web service's static folder.
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const backend = process.env.BIHUAN_WEB_URL ?? 'http://127.0.0.1:8000'
const forwarded = Object.fromEntries(
  ['/api', '/auth', '/live', '/directory'].map((path) => [path, { target: backend, changeOrigin: false }]),
)

/** First on the wire comes what paints the empty frame, then the application, which runs once that is on the screen. */
const frameFirst: Plugin = {
  name: 'frame-first',
  transformIndexHtml: {
    order: 'post',
    handler(html, { bundle, chunk }) {
      if (!bundle) return html
      const chunks = Object.values(bundle).filter((one) => one.type === 'chunk')
      const needed = new Set([chunks.find((one) => one.facadeModuleId?.endsWith('/src/start.ts'))!, chunk!])
      for (const one of needed) for (const next of chunks) if (one.imports.includes(next.fileName)) needed.add(next)
      const first = [...needed].reverse()
      const styles = new Set(first.flatMap((one) => [...one.viteMetadata!.importedCss]))
      const link = (how: string, files: Iterable<string>) => Array.from(files, (file) => `    <link ${how} crossorigin href="/${file}">\n`).join('')
      const entry = html.match(/ *<script type="module".*\n/)![0]
      const later = entry.replace('<script', '<script fetchpriority="low"')
      return html
        .replace(/ *<link rel="(stylesheet|modulepreload)".*\n/g, '')
        .replace(entry, '')
        .replace(/ *<script/, (script) => link('rel="stylesheet"', styles) + script)
        .replace(/ *<\/body>/, (end) => later + link('rel="modulepreload" fetchpriority="low"', first.flatMap((one) => (one === chunk ? [] : [one.fileName]))) + end)
    },
  },
}

export default defineConfig({
  plugins: [
    vue(),
    frameFirst,
    // our own components are imported by name where they are used; only the kit is resolved
    Components({ dirs: [], dts: false, resolvers: [ElementPlusResolver({ importStyle: 'css' })] }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy: forwarded },
  preview: { proxy: forwarded },
  build: {
    outDir: '../web/static',
    emptyOutDir: true,
    target: 'es2022',
    manifest: true,
    modulePreload: { polyfill: false },
    // a font or picture inside the CSS would be a data: URL, which the content policy forbids
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // what most pages share comes in few files: fifty small ones wait for one another on six connections
        codeSplitting: {
          groups: [
            { name: 'preload', test: /preload-helper/, priority: 3 },
            { name: 'vue', test: /node_modules\/(@?vue|@intlify|@tanstack|pinia|openapi-fetch)/, priority: 2 },
            { name: 'shared', test: /\/src\/(api|components|frame|lib|stores)\//, minShareCount: 4, priority: 1 },
          ],
        },
      },
    },
  },
  // a browser far from the company: its own zone must not show
  test: { environment: 'jsdom', env: { TZ: 'America/New_York' }, include: ['tests/**/*.test.ts'], css: false },
})
