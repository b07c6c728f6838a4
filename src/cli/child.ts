export { kspProgram, startChild, startKsp, type Child } from '../ops/child.js'
