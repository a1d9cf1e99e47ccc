// Whether the window is as a media query says, while it changes.
import { onScopeDispose, readonly, ref } from 'vue'

export function useMedia(query: string) {
  const found = matchMedia(query)
  const holds = ref(found.matches)
  const follow = (event: MediaQueryListEvent) => (holds.value = event.matches)
  found.addEventListener('change', follow)
  onScopeDispose(() => found.removeEventListener('change', follow))
  return readonly(holds)
}
