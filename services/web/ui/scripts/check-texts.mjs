// Fails when a text stands outside the locale files, when a key is missing in one language, or when a used key does not exist.
import { readdir, readFile } from 'node:fs/promises'
import { parse } from 'vue/compiler-sfc'

const root = new URL('../src/', import.meta.url)
const read = (entry) => readFile(new URL(entry, root), 'utf8')
const wrong = []

const flatten = (tree, path = '') =>
  Object.entries(tree).flatMap(([key, value]) => (typeof value === 'string' ? [path + key] : flatten(value, `${path}${key}.`)))
const textsOf = async (language) => {
  const files = (await readdir(new URL(`locales/${language}/`, root))).filter((file) => file.endsWith('.json'))
  const texts = await Promise.all(files.map(async (file) => [file.slice(0, -'.json'.length), JSON.parse(await read(`locales/${language}/${file}`))]))
  return new Set(flatten(Object.fromEntries(texts)))
}
const keys = { zh: await textsOf('zh'), en: await textsOf('en') }
for (const key of keys.zh) if (!keys.en.has(key)) wrong.push(`locales/en: missing ${key}`)
for (const key of keys.en) if (!keys.zh.has(key)) wrong.push(`locales/zh: missing ${key}`)

const word = /\p{Script=Han}|\p{L}{2,}/u
const spoken = new Set(['title', 'alt', 'label', 'aria-label', 'placeholder', 'summary'])
const walk = (node, entry) => {
  const at = `${entry}:${node.loc?.start.line}`
  if (node.type === 2 && word.test(node.content)) wrong.push(`${at} text in the template: ${node.content.trim()}`)
  for (const prop of node.props ?? [])
    if (prop.type === 6 && spoken.has(prop.name) && prop.value && word.test(prop.value.content)) wrong.push(`${at} text in ${prop.name}`)
  for (const child of node.children ?? []) walk(child, entry)
}
const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|(^|\s)\/\/[^\n]*/g, '$1')
const used = /(?<![\w.$])\$?t\(\s*(['`])([^'`]*?)\1/g

for (const entry of await readdir(root, { recursive: true })) {
  if (!/\.(vue|ts)$/.test(entry) || entry.startsWith('api/schema')) continue
  const text = await read(entry)
  if (entry.endsWith('.vue')) {
    const { descriptor } = parse(text)
    if (descriptor.template?.ast) walk(descriptor.template.ast, entry)
  }
  const code = withoutComments(text)
  if (/\p{Script=Han}/u.test(code)) wrong.push(`${entry}: Chinese text outside the locale files`)
  for (const [, quote, key] of code.matchAll(used)) {
    const prefix = quote === '`' && key.includes('${') ? key.slice(0, key.indexOf('${')) : undefined
    const known = prefix === undefined ? keys.zh.has(key) : [...keys.zh].some((one) => one.startsWith(prefix))
    if (!known) wrong.push(`${entry}: no text for the key ${key}`)
  }
}
if (wrong.length) {
  console.error(wrong.join('\n'))
  process.exit(1)
}
console.log(`${keys.zh.size} texts in two languages`)
