// Reads a Tars configuration as Tars.js' own servers do and prints it as one line of JSON: domains are objects, a key without
// a value is null.
//
//   node read-config.js /tars/conf/HelloServer.conf
'use strict';

const { Config } = require('@tars/utils');

const config = new Config();
if (!config.parseFile(process.argv[2])) {
    throw new Error(`${process.argv[2]} cannot be read`);
}
console.log(`read ${JSON.stringify(config.data, (_, value) => (value === undefined ? null : value))}`);
