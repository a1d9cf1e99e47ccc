// Fails when a page styles a name that another page uses: its styles stay when the reader goes on, and change what comes next.
import { readdir, readFile } from 'node:fs/promises'
import { parse } from 'vue/compiler-sfc'

const root = new URL('../src/', import.meta.url)
const files = (await readdir(root, { recursive: true })).filter((entry) => /^(pages|components|frame|styles)\/.*\.(css|vue)$/.test(entry))
const texts = new Map(await Promise.all(files.map(async (entry) => [entry, await readFile(new URL(entry, root), 'utf8')])))
/** What is loaded together: a page's folder, or one component. What the whole application shares belongs to nobody. */
const ownerOf = (entry) => (entry.startsWith('pages/') ? entry.split('/')[1] : entry.startsWith('components/') ? entry : 'shared')
const stylesOf = (entry) => (entry.endsWith('.vue') ? parse(texts.get(entry)).descriptor.styles.map((one) => one.content).join('\n') : texts.get(entry))

/** A page that takes a part of another takes its styles with it, and those of what that one takes. */
const takes = new Map()
for (const [entry, text] of texts)
  if (entry.startsWith('pages/')) for (const [, other] of text.matchAll(/'(?:\.\.|@\/pages)\/([\w-]+)\/[\w.-]+'/g)) takes.set(ownerOf(entry), (takes.get(ownerOf(entry)) ?? new Set()).add(other))
const reaches = (owner, wanted, seen = new Set()) => owner === wanted || [...(takes.get(owner) ?? [])].some((one) => !seen.has(one) && reaches(one, wanted, seen.add(one)))

/** The first part of a selector decides whom it meets: `.stl` in `.stl li`, `.cols.form` in `.cols.form > *`. */
const styled = new Map()
for (const entry of files) {
  const styles = stylesOf(entry).replace(/\/\*[\s\S]*?\*\//g, '').replace(/@media print \{[\s\S]*?\n\}/g, '')
  for (const [, selectors] of styles.matchAll(/([^{};]+)\{/g))
    for (const selector of selectors.split(',')) {
      const name = selector.trim().match(/^\.[^\s>+~:[]+/)?.[0]
      if (name) styled.set(name, (styled.get(name) ?? new Set()).add(ownerOf(entry)))
    }
}
const used = new Map()
const use = (name, entry) => used.set(name, (used.get(name) ?? new Set()).add(ownerOf(entry)))
for (const entry of files.filter((one) => one.endsWith('.vue'))) {
  const { template } = parse(texts.get(entry)).descriptor
  for (const [, dynamic, value] of template?.content.matchAll(/\s(:?)class="([^"]*)"/g) ?? [])
    for (const name of dynamic ? value.match(/(?<=['`{ ])[a-z][\w-]*(?=['`]|:)/g) ?? [] : value.split(/\s+/)) use(`.${name}`, entry)
}

const wrong = []
for (const [name, owners] of styled) {
  const own = [...owners].filter((one) => one !== 'shared')
  if (!own.length || (owners.has('shared') && own.length < 2)) continue
  const others = name.lastIndexOf('.') ? [] : [...(used.get(name) ?? [])].filter((one) => !own.some((owner) => reaches(one, owner)))
  if (own.length > 1) wrong.push(`${name} is styled by ${own.join(' and ')}`)
  else if (others.length) wrong.push(`${name} is styled by ${own[0]} and used by ${others.join(', ')}`)
}
if (wrong.length) {
  console.error(`a page's names are its own:\n  ${wrong.join('\n  ')}`)
  process.exit(1)
}
