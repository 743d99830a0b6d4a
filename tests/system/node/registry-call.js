// Calls one operation of a registry and prints the outcome as one line of JSON.
//
//   node registry-call.js "tars.tarsregistry.Registry@tcp -h 127.0.0.1 -p 17892" keepAlive '{"nodeName":"10.0.0.7","state":"active"}'
//
// Prints {"ok":{...}} or {"error":{"code":1,"message":"..."}}; ends with 0 in both cases: an error answer is an answer.
'use strict';

const { client } = require('@tars/rpc');
const { RegistryProxy } = require('./registry-stub.js');

const [object, operation, values] = process.argv.slice(2);
const proxy = client.stringToProxy(RegistryProxy, object);

proxy
    .call(operation, JSON.parse(values))
    .then(
        (reply) => ({ ok: reply }),
        (failure) => {
            // The library throws either its own record of a failed call or a plain Error of this program.
            const error = (failure.response && failure.response.error) || failure.error || { code: null, message: String(failure.stack || failure) };
            return { error: { code: error.code, message: error.message } };
        },
    )
    // The library keeps timers that would hold the process for seconds.
    .then((outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0)));
