// Puts a .br and a .gz beside every text file of the build, so that nothing is compressed while people wait.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const root = new URL('../../web/static/', import.meta.url)
const texts = /\.(js|css|html|svg|json|txt|map)$/

for (const entry of await readdir(root, { recursive: true })) {
  if (!texts.test(entry)) continue
  const content = await readFile(new URL(entry, root))
  if (content.length < 512) continue
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }
  await writeFile(new URL(`${entry}.br`, root), await promisify(brotliCompress)(content, quality))
  await writeFile(new URL(`${entry}.gz`, root), await promisify(gzip)(content, { level: 9 }))
}
