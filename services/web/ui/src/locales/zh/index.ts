// The texts of one language, a file for each page or subject: its name is the first part of the keys.
import type { LocaleMessageDictionary, VueMessageType } from 'vue-i18n'

const files = import.meta.glob<LocaleMessageDictionary<VueMessageType>>('./*.json', { eager: true, import: 'default' })

export default Object.fromEntries(Object.entries(files).map(([path, texts]) => [path.slice(2, -'.json'.length), texts]))
