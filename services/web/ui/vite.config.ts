// How the application is built: on-demand Element Plus, hashed files into the web service's static folder.
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import { defineConfig } from 'vitest/config'

const backend = process.env.BIHUAN_WEB_URL ?? 'http://127.0.0.1:8000'
const forwarded = Object.fromEntries(
  ['/api', '/auth', '/live', '/directory'].map((path) => [path, { target: backend, changeOrigin: false }]),
)

export default defineConfig({
  plugins: [
    vue(),
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
    // a font or picture inside the CSS would be a data: URL, which the content policy forbids
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // what most pages share comes in few files: fifty small ones wait for one another on six connections
        codeSplitting: {
          groups: [
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
