// W1: what the system has stored in Chinese is said in English; what people typed stays as it is.
import { expect, it } from 'vitest'
import { i18n, speak } from '@/lib/i18n'
import { linesInEnglish } from '@/lib/made'
import { pick } from '@/lib/text'
import en from '@/locales/en/made.json'
import zh from '@/locales/zh/made.json'

it.each([
  ['待重测：电源模块 V2.4', 'Retest: 电源模块 V2.4'],
  ['电源模块 V2.4 重测报告', '电源模块 V2.4 retest report'],
  ['加急：展会样机要加装防护罩', 'Urgent: 展会样机要加装防护罩'],
  ['ECO-7：偏差到期，恢复 V2.3。降本。规则要求受影响的人同意后，新目标才生效。', 'ECO-7: The deviation is over: back to V2.3. 降本. A rule wants the consent of everybody affected before the new targets count.'],
  ['核对 GX-500-02 的计划', 'Check the plan of GX-500-02'],
  ['待重测电源模块', '待重测电源模块'],
  ['待重测：电源模块 V2.4，先做常温', '待重测：电源模块 V2.4，先做常温'],
  ['磨头样机调试', '磨头样机调试'],
])('%s', async (stored, said) => {
  await speak('en')
  expect(pick(stored, 'en')).toBe(said)
  expect(pick(stored, 'zh')).toBe(stored)
  await speak('zh')
})

it.each([
  ['### V2.3 → V2.4（ECN-7，2026-12-01）\n\n- 新增 共模电感 `LC-2` ×2\n- 新增需求', '### V2.3 → V2.4（ECN-7，2026-12-01）\n\n- Added 共模电感 `LC-2` ×2\n- 新增需求'],
  ['<ul>\n<li>数量 导热垫 <code>TP-1</code> ×2 → ×4</li>\n<li>取消 保险座</li>\n</ul>', '<ul>\n<li>Quantity 导热垫 <code>TP-1</code> ×2 → ×4</li>\n<li>取消 保险座</li>\n</ul>'],
])('a document in English keeps what people wrote: %s', async (stored, said) => {
  await speak('en')
  expect(linesInEnglish(stored)).toBe(said)
  await speak('zh')
})

it('has every form in both languages, with the same values', () => {
  const values = ({ line, ...texts }: typeof zh) => Object.entries<string>({ ...texts, ...line }).map(([key, form]) => [key, (form.match(/\{\w+\}/g) ?? []).sort()])
  expect(values(en)).toEqual(values(zh))
  expect(i18n.global.locale.value).toBe('zh')
})
