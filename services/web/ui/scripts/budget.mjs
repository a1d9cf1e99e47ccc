// Fails the build when the JavaScript that must load before the first page shows exceeds 200 kB gzip.
import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'

const limit = 200 * 1024
const root = new URL('../../web/static/', import.meta.url)
const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', root), 'utf8'))

/** Every chunk that this one needs before it can run. */
const needed = (key, seen = new Set()) => {
  if (seen.has(key)) return seen
  seen.add(key)
  for (const next of manifest[key].imports ?? []) needed(next, seen)
  return seen
}
const size = async (keys) => {
  let total = 0
  for (const key of keys) total += gzipSync(await readFile(new URL(manifest[key].file, root)), { level: 9 }).length
  return total
}

const entry = needed('index.html')
// the application and the landing page load before anything of it shows
for (const first of ['src/start.ts', 'src/pages/week/WeekPage.vue']) if (manifest[first]) needed(first, entry)
const total = await size(entry)
console.log(`first page: ${(total / 1024).toFixed(1)} kB gzip of ${limit / 1024} kB`)
if (total > limit) {
  for (const key of entry) console.error(`  ${((await size([key])) / 1024).toFixed(1)} kB  ${key}`)
  process.exit(1)
}
