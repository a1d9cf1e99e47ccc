// Cuts the figure font ("Bihuan Mono") out of Iosevka: Latin letters, digits and the signs that figures need.
import { readFile, writeFile, mkdir, stat } from 'node:fs/promises'
import subsetFont from 'subset-font'

const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')
const signs = ' ·×÷±−–—…°µμΩσ≤≥≈≠→←↑↓△◇Δ½¼‰²³'
const target = new URL('../src/assets/fonts/', import.meta.url)

await mkdir(target, { recursive: true })
for (const weight of [400, 600]) {
  const file = new URL(`bihuan-mono-${weight}.woff2`, target)
  if (await stat(file).catch(() => undefined)) continue
  const source = new URL(`../node_modules/@fontsource/iosevka/files/iosevka-latin-${weight}-normal.woff2`, import.meta.url)
  // cv76 is the plain zero: with a slash 4/20 is easily read as 4/28
  const keepFeatures = ['cv76']
  await writeFile(file, await subsetFont(await readFile(source), ascii + signs, { targetFormat: 'woff2', keepFeatures, noHinting: true }))
}
