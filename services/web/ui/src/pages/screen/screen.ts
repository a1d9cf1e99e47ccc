// When the boards stand on a big screen, and the way in and out: `?screen=1` in the address.
import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export function useScreen() {
  const route = useRoute()
  const router = useRouter()
  const on = computed(() => route.query.screen === '1' && /^\/boards(\/|$)/.test(route.path))

  async function enter() {
    await router.push({ path: route.path, query: { ...route.query, screen: '1' } })
    // the whole display where the browser allows it; the page alone otherwise
    await document.documentElement.requestFullscreen?.().catch(() => undefined)
  }
  async function leave() {
    if (document.fullscreenElement) await document.exitFullscreen().catch(() => undefined)
    if (!on.value) return
    const { screen: _, ...rest } = route.query
    await router.push({ path: route.path, query: rest })
  }
  return { on, enter, leave }
}
