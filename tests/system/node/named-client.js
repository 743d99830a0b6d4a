// Calls `who` of Peers.NamedServer.NamedObj all the time, finding its servers through a registry, and prints a line for each
// call: `answer NAME`, or `failure CODE MESSAGE`. A call may take so many milliseconds.
//
//   node named-client.js "tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 17890" 2000 [SET]
'use strict';

const { client } = require('@tars/rpc');
const { TarsInputStream, BinBuffer } = require('@tars/stream');

const OBJECT = 'Peers.NamedServer.NamedObj';
const REFRESH = 300;
const BETWEEN_CALLS = 10;

const [locator, timeout, set] = process.argv.slice(2);

class NamedProxy {
    async who() {
        const { response } = await this._worker.tars_invoke('who', new BinBuffer());
        return new TarsInputStream(response.sBuffer).readString(0, true);
    }
}

client.setProperty('locator', locator);
client.setProperty('timeout', Number(timeout));
if (set !== undefined) {
    // In this order: switching sets on without a division switches them off again.
    client.setProperty('setdivision', set);
    client.setProperty('enableset', 'y');
}
const proxy = client.stringToProxy(NamedProxy, OBJECT);

// The library asks a registry every 60 seconds, 10 when it had no server to tell, and has no setting for that: these are the
// members it keeps the times in.
Object.assign(proxy._worker._manager, { _iRefreshInterval: REFRESH, _iActiveEmptyInterval: REFRESH });

const call = () => proxy
    .who()
    .then((name) => `answer ${name}`, ({ error, message }) => `failure ${error ? error.code : ''} ${error ? error.message : message}`)
    .then((line) => {
        console.log(line);
        setTimeout(call, BETWEEN_CALLS);
    });
call();
