// Asks a registry for an object as TarsPHP does, `findObjectById` with a body of names (TUP, version 3), and prints the answer as
// one line of JSON.
//
//   node find-object.js "tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 17890" TestApp.HelloServer.HelloObj
//
// Prints {"code":0,"found":[{"host":...}],"again":[...]}: the list under "", the name TarsPHP and TarsJava read, and under
// "tars_ret", the one of TarsCpp and TarsGo.
'use strict';

const { client } = require('@tars/rpc');
const { List, Tup, UniAttribute } = require('@tars/stream');
const { EndpointF } = require('@tars/registry/EndpointFTars.js').tars;

class QueryProxy {
    async findObjectById(id) {
        this._worker.version = Tup.TUP_SIMPLE;
        const question = new UniAttribute();
        question.writeString('id', id);
        const { response } = await this._worker.tup_invoke('findObjectById', question);
        const list = (name) => response.tup.readList(name, List(EndpointF)).toObject();
        return { version: response.iVersion, servant: response.sServantName, code: response.iRet, found: list(''), again: list('tars_ret') };
    }
}

const [object, id] = process.argv.slice(2);
client
    .stringToProxy(QueryProxy, object)
    .findObjectById(id)
    .catch((problem) => ({ failure: problem.error || String(problem.stack || problem) }))
    // The library keeps timers that would hold the process for seconds.
    .then((outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0)));
