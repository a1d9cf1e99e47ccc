// Findings and test results of the table on screen: those of the page, or while it is written those of each edit.
import { computed, ref, watch, type Ref } from 'vue'
import { checkTable, type Checked, type Table, type TablePage } from '@/api/rules'
import { asProblem } from '@/api/problem'

const PAUSE = 250

export function useChecks(page: Ref<TablePage | undefined>, table: Ref<Table | undefined>) {
  const found = ref<Checked>()
  const errors = ref<Record<string, string>>({})
  const waiting = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let turn = 0

  async function run() {
    const mine = ++turn
    try {
      const result = await checkTable(table.value!)
      if (mine !== turn) return
      found.value = result
      errors.value = {}
    } catch (error) {
      if (mine !== turn) return
      const problem = asProblem(error)
      if (problem?.errors.length) errors.value = Object.fromEntries(problem.errors.map((one) => [one.field, one.message]))
    } finally {
      if (mine === turn) waiting.value = false
    }
  }
  watch(
    table,
    (now, before) => {
      clearTimeout(timer)
      // what was just read from the server is checked already
      if (!now || now !== before) {
        turn++
        found.value = undefined
        errors.value = {}
        waiting.value = false
        return
      }
      waiting.value = true
      timer = setTimeout(() => void run(), PAUSE)
    },
    { deep: true },
  )
  const checked = computed(() => found.value ?? page.value?.checked)
  return { checked, errors, waiting }
}
