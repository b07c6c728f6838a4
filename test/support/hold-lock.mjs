// Holds the lock of a file as a bridge does, until it is killed.
import { setInterval } from 'node:timers'
import Database from 'better-sqlite3'

const db = new Database(process.argv[2])
db.exec('BEGIN EXCLUSIVE')
console.log('held')
setInterval(() => db.open, 60_000)
