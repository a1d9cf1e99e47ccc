// Keeps the screen from going dark while it shows a board, where the browser can.
import { onBeforeUnmount, onMounted } from 'vue'

export function useWakeLock(): void {
  let lock: WakeLockSentinel | undefined
  let gone = false

  async function hold() {
    if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return
    // refused on low battery or without permission: the board shows all the same
    const got = await navigator.wakeLock.request('screen').catch(() => undefined)
    if (gone) void got?.release()
    else lock = got
  }
  onMounted(() => {
    void hold()
    // the browser lets go whenever the page is hidden
    document.addEventListener('visibilitychange', hold)
  })
  onBeforeUnmount(() => {
    gone = true
    document.removeEventListener('visibilitychange', hold)
    void lock?.release()
  })
}
