// The order of the tables while it is being changed: each move is checked at once, a second person approves the result.
import { computed, nextTick, ref, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useQueryClient } from '@tanstack/vue-query'
import { approveOrder, checkOrder, proposeOrder, refuseOrder, type OrderCheck, type TableList } from '@/api/rules'
import { asProblem } from '@/api/problem'
import { useToasts } from '@/stores/toasts'

export function useOrder(list: Ref<TableList | undefined>) {
  const { t } = useI18n()
  const queries = useQueryClient()
  const toasts = useToasts()
  /** While somebody moves them: the tables' names without the base table, which stays last. */
  const names = ref<string[]>()
  const check = ref<OrderCheck>()
  const problem = ref<string>()
  const busy = ref(false)
  const said = ref('')
  let asked = 0

  const inForce = computed(() => (list.value?.tables ?? []).filter((one) => !one.base).map((one) => one.name))
  const tables = computed(() => {
    const all = list.value?.tables ?? []
    const wanted = names.value
    return wanted ? [...all].sort((one, other) => place(one.base, wanted.indexOf(one.name)) - place(other.base, wanted.indexOf(other.name))) : all
  })
  const place = (base: boolean, at: number) => (base ? Infinity : at < 0 ? Number.MAX_SAFE_INTEGER : at)
  const moved = computed(() => names.value !== undefined && names.value.join() !== inForce.value.join())

  function begin() {
    names.value = [...inForce.value]
    void look()
  }
  function end() {
    names.value = check.value = problem.value = undefined
  }
  async function look() {
    const mine = ++asked
    try {
      const found = await checkOrder(names.value!)
      if (mine === asked) check.value = found
    } catch (error) {
      if (mine === asked) problem.value = asProblem(error)?.message ?? t('state.unreachable')
    }
  }
  async function move(name: string, by: -1 | 1) {
    const now = names.value!
    const to = now.indexOf(name) + by
    now.splice(to - by, 1)
    now.splice(to, 0, name)
    said.value = t('rules.nowAt', { name, n: to + 1 })
    void look()
    // the row has moved in the page: the finger or the key stays on it
    await nextTick()
    const buttons = (by < 0 ? ['up', 'down'] : ['down', 'up']).map((way) => document.getElementById(`${way}-${name}`) as HTMLButtonElement | null)
    buttons.find((one) => one && !one.disabled)?.focus()
  }
  async function act(run: () => Promise<unknown>, words: string) {
    busy.value = true
    problem.value = undefined
    try {
      await run()
      end()
      toasts.show(words)
    } catch (error) {
      problem.value = asProblem(error)?.message ?? t('state.unreachable')
    } finally {
      busy.value = false
      await queries.invalidateQueries({ queryKey: ['rules'] })
    }
  }
  const propose = () => act(() => proposeOrder(names.value!), t('rules.orderDone.propose'))
  const approve = (number: number) => act(() => approveOrder(number), t('rules.orderDone.approve'))
  const refuse = (number: number, own: boolean) => act(() => refuseOrder(number), t(own ? 'rules.orderDone.withdraw' : 'rules.orderDone.refuse'))
  return { names, check, problem, busy, said, tables, moved, begin, end, move, propose, approve, refuse }
}
