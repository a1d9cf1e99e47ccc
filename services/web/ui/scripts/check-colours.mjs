// Fails when a colour is written anywhere but in styles/tokens.css.
import { readdir, readFile } from 'node:fs/promises'

const root = new URL('../src/', import.meta.url)
const colour = /#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|lab|hwb)\(/
const named = /:\s*[^;{}]*\b(white|black|red|green|blue|gray|grey|orange|yellow|purple|pink|brown)\b(?![-\w(])[^;{}]*;/
const wrong = []

for (const entry of await readdir(root, { recursive: true })) {
  if (!/\.(css|vue|ts)$/.test(entry) || entry.startsWith('api/schema') || entry === 'styles/tokens.css') continue
  const text = await readFile(new URL(entry, root), 'utf8')
  text.split('\n').forEach((line, index) => {
    const style = line.replace(/var\([^)]*\)/g, '')
    if (colour.test(line.replace(/(href|to|url)\s*[=(]\s*["'`]?#[\w-]+/g, ''))) wrong.push(`${entry}:${index + 1} ${line.trim()}`)
    else if (entry.endsWith('.css') && named.test(style)) wrong.push(`${entry}:${index + 1} ${line.trim()}`)
  })
}
if (wrong.length) {
  console.error(`colours outside styles/tokens.css:\n  ${wrong.join('\n  ')}`)
  process.exit(1)
}
