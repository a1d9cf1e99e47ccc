// G4: a week without work is no dead end.
import { mount, RouterLinkStub } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { createI18n } from 'vue-i18n'
import { expect, it } from 'vitest'
import zh from '@/locales/zh'
import WeekDeliverables from '@/pages/week/WeekDeliverables.vue'
import WeekTeam from '@/pages/week/WeekTeam.vue'
import { teamOf } from '@/pages/week/team'
import type { Person } from '@/api/people'

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

const person = (id: string, manager: string) => ({ person: id, name: id, title: null, manager }) as unknown as Person
const load = (open: number, more: Partial<Record<'late' | 'locked' | 'retests', number>> = {}) => ({ open, late: 0, locked: 0, retests: 0, ...more })
const staff = [person('a', 'm'), person('b', 'm'), person('c', 'm'), person('d', 'm'), person('z', 'other')]
const loads = { a: load(9), b: load(1, { locked: 1 }), c: load(2, { late: 1, retests: 1 }), z: load(5, { late: 5 }) }

it('shows a manager only own people with work, who is held up first', () => {
  const team = teamOf(staff, loads, 'm')
  expect([team.people, team.held, team.busy.map((one) => one.person)]).toEqual([4, 2, ['c', 'b', 'a']])
})

it("leads from a manager's person to that person's week and says what holds up", () => {
  const shown = mount(WeekTeam, { props: { team: teamOf(staff, loads, 'm') }, global: { plugins, stubs } })
  expect(shown.text()).toContain('4 人中 3 人手上有任务')
  expect(shown.findAll('tbody tr').map((row) => row.findAll('td')[3]!.text())).toEqual(['晚到 1 项待重测 1 张', '锁定 1 项', '—'])
  expect(shown.findAllComponents(RouterLinkStub).map((one) => one.props('to'))).toContainEqual({ path: '/', query: { person: 'c' } })
})
