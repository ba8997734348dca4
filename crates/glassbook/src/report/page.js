(() => {
  "use strict";
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const rgb = text => [1, 3, 5].map(at => parseInt(text.slice(at, at + 2), 16));
  const canvas = document.getElementById("depth");
  const cells = canvas && Uint8Array.from(atob(canvas.dataset.cells), c => c.charCodeAt(0));

  const paint = () => {
    if (!canvas) return;
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const ground = rgb(css("--heat")), ends = [rgb(css("--bid")), rgb(css("--ask"))];
    for (let column = 0; column < canvas.width; column++) {
      for (let row = 0; row < canvas.height; row++) {
        const cell = cells[column * canvas.height + row];
        if (!cell) continue;
        const ask = cell > 100, share = 0.1 + 0.9 * Math.pow((ask ? cell - 100 : cell) / 100, 1.9);
        const at = (row * canvas.width + column) * 4;
        for (let part = 0; part < 3; part++) image.data[at + part] = ground[part] + (ends[+ask][part] - ground[part]) * share;
        image.data[at + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  };
  paint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);

  const [left, right, width] = [2, 964, 1040];
  const points = series.points;
  const number = (value, decimals) => value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const price = ticks => ticks ? number(ticks * series.tick, series.decimals) : "–";
  const lots = value => number(value * series.lot, value * series.lot < 10 ? 3 : 0);
  const nearest = time => {
    let [low, high] = [0, points.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle][0] < time) low = middle + 1; else high = middle;
    }
    return points[low];
  };
  const pictures = [...document.querySelectorAll("[data-chart]")];
  const show = share => {
    const time = points[0][0] + share * (points[points.length - 1][0] - points[0][0]);
    const point = nearest(time);
    const text = `${new Date(point[0]).toISOString().slice(11, 23)}  ${price(point[1])} / ${price(point[2])}  last ${price(point[3])}` +
      `  +${lots(point[4])} −${lots(point[5])}`;
    for (const picture of pictures) {
      const cursor = picture.querySelector(".cursor");
      const x = left + share * (right - left);
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      cursor.style.opacity = 0.45;
      document.getElementById(picture.dataset.chart + "-read").textContent = text;
    }
  };
  const hide = () => {
    for (const picture of pictures) {
      picture.querySelector(".cursor").style.opacity = 0;
      document.getElementById(picture.dataset.chart + "-read").textContent = "";
    }
  };
  for (const picture of points.length ? pictures : []) {
    picture.addEventListener("pointermove", event => {
      const box = picture.getBoundingClientRect();
      const share = ((event.clientX - box.left) / box.width * width - left) / (right - left);
      if (share >= 0 && share <= 1) show(share); else hide();
    });
    picture.addEventListener("pointerleave", hide);
  }

  for (const hash of document.querySelectorAll(".hash")) {
    hash.addEventListener("click", () => navigator.clipboard && navigator.clipboard.writeText(hash.title));
  }
})();
