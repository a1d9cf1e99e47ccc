// Plain links inside the application: what many rows of a table hold, at a fraction of a RouterLink's cost.
import { useRouter } from 'vue-router'

/** For the click of a table: follows the link that was hit, unless it was meant for another tab or is somebody else's. */
export function useInnerLinks(): (event: MouseEvent) => void {
  const router = useRouter()
  return (event) => {
    const path = (event.target as Element).closest('a')?.getAttribute('href')
    if (!path?.startsWith('/') || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    void router.push(path)
  }
}
