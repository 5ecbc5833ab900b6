// Same key and values as Mantine's local storage colour scheme manager.
(() => {
  const saved = localStorage.getItem('collie-color-scheme');
  const dark = saved === 'dark' || (saved !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
