// A short sound for a new lead, once per browser however many tabs, when it is switched on.

const button = document.querySelector('[data-sound]');
const KEPT = 'ringback-sound';
let context = null;

const isOn = () => localStorage.getItem(KEPT) === 'on';

function show() {
  button.setAttribute('aria-pressed', String(isOn()));
}

if (button && 'AudioContext' in window) {
  button.hidden = false;
  show();
  button.addEventListener('click', () => {
    localStorage.setItem(KEPT, isOn() ? 'off' : 'on');
    show();
    if (isOn()) play();
  });
  window.addEventListener('storage', show);
}

function play() {
  context ??= new AudioContext();
  context.resume();
  for (const [at, pitch] of [[0, 660], [0.16, 880]]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    const start = context.currentTime + at;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.15, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.3);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.32);
  }
}

/** A new lead has come in. */
export function ring(lead) {
  if (!isOn()) return;
  if (!navigator.locks) return play();
  // The first tab to take the lock makes the sound; the others find it taken.
  navigator.locks.request(`ringback-ring-${lead}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    play();
    await new Promise((done) => setTimeout(done, 3000));
  });
}
