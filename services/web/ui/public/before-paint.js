// Sets theme and language before the first paint, so that a dark desk never flashes white; no empty frame where none comes.
;(() => {
  let kept = {}
  try {
    kept = JSON.parse(localStorage.getItem('bihuan.preferences') || '{}')
  } catch {}
  const dark = kept.theme ? kept.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  if (/^\/(sign-in|wall)$/.test(location.pathname)) document.documentElement.dataset.frame = 'none'
  document.documentElement.lang = kept.language === 'en' ? 'en' : 'zh-CN'
})()
