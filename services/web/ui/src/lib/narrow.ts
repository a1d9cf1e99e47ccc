// Whether the page stands on a phone's width, and stays right when that changes.
import { onBeforeUnmount, ref, type Ref } from 'vue'

export function useNarrow(): Ref<boolean> {
  const query = matchMedia('(max-width: 720px)')
  const narrow = ref(query.matches)
  const heard = (event: MediaQueryListEvent) => (narrow.value = event.matches)
  query.addEventListener('change', heard)
  onBeforeUnmount(() => query.removeEventListener('change', heard))
  return narrow
}
