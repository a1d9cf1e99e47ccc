// Sets theme and language before the first paint, so that a dark desk never flashes white.
;(() => {
  let kept = {}
  try {
    kept = JSON.parse(localStorage.getItem('bihuan.preferences') || '{}')
  } catch {}
  const dark = kept.theme ? kept.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  document.documentElement.lang = kept.language === 'en' ? 'en' : 'zh-CN'
})()
