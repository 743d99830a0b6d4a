// Calls QueryF in other versions of the protocol than 1 and prints the outcome as one line of JSON.
//
//   node query-call.js tup "tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 17890" findObjectById TestApp.HelloServer.HelloObj
//   node query-call.js json "tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 17890" findObjectById TestApp.HelloServer.HelloObj
//
// Prints {"ok":{...}} with what came back by name, or {"error":{"code":1,...}}; ends with 0 in both cases.
'use strict';

const net = require('net');
const { client } = require('@tars/rpc');
const { tars } = require('@tars/rpc/core/rpc-tars/RequestF.js');
const Stream = require('@tars/stream');
const { struct } = require('./registry-stub.js');

const EndpointF = struct('tars.EndpointF', [
    [0, 'host', 'string', true],
    [1, 'port', 'int', true],
    [2, 'timeout', 'int', true],
    [3, 'istcp', 'int', true],
    [4, 'grid', 'int', true],
    [7, 'setId', 'string', false],
    [14, 'nodeName', 'string', false],
]);
const list = (attribute, name) => attribute.readList(name, Stream.List(EndpointF)).toObject();

// What each operation gives back, read as generated clients read it: the return value under the empty name.
const answers = {
    findObjectById: (attribute) => ({ '': list(attribute, ''), tars_ret: list(attribute, 'tars_ret') }),
    findObjectById4All: (attribute) => ({
        '': attribute.readInt32(''),
        activeEp: list(attribute, 'activeEp'),
        inactiveEp: list(attribute, 'inactiveEp'),
    }),
};

const [version, object, operation, id] = process.argv.slice(2);

// The class that Tars' `stringToProxy` instantiates.
class QueryProxy {
    async call() {
        this._worker.version = Stream.Tup.TUP_SIMPLE;
        const attribute = new Stream.UniAttribute();
        attribute.tupVersion = Stream.Tup.TUP_SIMPLE;
        attribute.writeString('id', id);
        const { response } = await this._worker.tup_invoke(operation, attribute, { context: { asked: 'in TUP' } });
        return answers[operation](response.tup);
    }
}

// The library sends no JSON, so the packet goes through a socket.
function callJson() {
    const [, name, host, port] = /^(\S+)@tcp -h (\S+) -p (\d+)/.exec(object);
    const request = new tars.RequestPacket();
    request.iVersion = Stream.Tup.JSON_VERSION;
    request.iRequestId = 7;
    request.sServantName = name;
    request.sFuncName = operation;
    request.sBuffer = new Stream.BinBuffer(Buffer.from(JSON.stringify({ id })));
    request.iTimeout = 3000;
    const os = new Stream.TarsOutputStream();
    os.setHeaderLength(0);
    request._writeTo(os);
    os.setHeaderLength(os.getBinBuffer().length);

    return new Promise((resolve, reject) => {
        let received = Buffer.alloc(0);
        const socket = net.connect(Number(port), host, () => socket.write(os.getBinBuffer().toNodeBuffer()));
        socket.on('error', reject);
        socket.on('data', (data) => {
            received = Buffer.concat([received, data]);
            if (received.length < 4 || received.length < received.readUInt32BE(0)) {
                return;
            }
            const answer = tars.ResponsePacket._readFrom(new Stream.TarsInputStream(new Stream.BinBuffer(received.subarray(4))));
            if (answer.iVersion !== 5 || answer.iRequestId !== 7) {
                reject(new Error(`version ${answer.iVersion}, id ${answer.iRequestId}`));
            } else if (answer.iRet !== 0) {
                reject({ response: { error: { code: answer.iRet, message: answer.sResultDesc } } });
            } else {
                resolve(JSON.parse(answer.sBuffer.toNodeBuffer().toString()));
            }
        });
    });
}

const called = version === 'json' ? callJson() : client.stringToProxy(QueryProxy, object).call();
called
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
