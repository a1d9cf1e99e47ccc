// G4: a week without work is no dead end.
import { mount, RouterLinkStub } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { createI18n } from 'vue-i18n'
import { expect, it } from 'vitest'
import zh from '@/locales/zh'
import WeekDeliverables from '@/pages/week/WeekDeliverables.vue'

const plugins = [createI18n({ legacy: false, locale: 'zh', messages: { zh } }), createPinia()]
const stubs = { RouterLink: RouterLinkStub, BhBookButton: true }
const next = { task: 't-9', code: 'GX-500-02', title: '磨头样机调试', project_name: 'GX-500 五轴磨床', due_at: '2099-12-13T05:12:31Z' }

function links(given: typeof next | null): { text: string; to: string[] } {
  const shown = mount(WeekDeliverables, { props: { deliverables: [], next: given, mine: false }, global: { plugins, stubs } })
  return { text: shown.text(), to: shown.findAllComponents(RouterLinkStub).map((one) => String(one.props('to'))) }
}

it('names what comes next, its day and its project, and leads there', () => {
  const { text, to } = links(next)
  expect(text).toContain('2099-12-13 到期：GX-500-02 磨头样机调试（GX-500 五轴磨床）')
  expect(to).toEqual(['/tasks/t-9', '/boards'])
})

it('leads to the boards where nothing comes', () => {
  const { text, to } = links(null)
  expect(text).toContain('看板上可以看到后面几周的任务')
  expect(to).toEqual(['/boards'])
})
