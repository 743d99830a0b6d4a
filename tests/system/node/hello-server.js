// TestApp.HelloServer.HelloObj of examples/hello/hello.tars, served by @tars/rpc at a free port: bodies of fields and of names (TUP),
// no JSON.
//
//   node hello-server.js     prints `listening at tcp -h 127.0.0.1 -p PORT`
'use strict';

const { server, error } = require('@tars/rpc');
const Stream = require('@tars/stream');

const { TUP_SIMPLE } = Stream.Tup;

// The parameter `name`, a field or the value of a name.
const readName = (version, body) => {
    if (version !== TUP_SIMPLE) {
        return new Stream.TarsInputStream(body).readString(1, true);
    }
    const values = new Stream.UniAttribute();
    values.decode(body);
    return values.readString('name');
};

// The return value: field 0, or the value of the empty name.
const writeReturn = (version, text) => {
    const answer = version === TUP_SIMPLE ? new Stream.UniAttribute() : new Stream.TarsOutputStream();
    answer.writeString(version === TUP_SIMPLE ? '' : 0, text);
    return version === TUP_SIMPLE ? answer.encode() : answer.getBinBuffer();
};

// What a generated servant is, written by hand: it decodes by function name and answers through `current`.
class Hello {
    initialize() {}

    onDispatch(current, name, body) {
        if (name !== 'sayHello') {
            return error.SERVER.FUNC_NOT_FOUND;
        }
        const version = current.getRequestVersion();
        const who = readName(version, body);
        if (who === '') {
            current.sendErrorResponse(7, 'nobody to greet');
            return error.SUCCESS;
        }
        current.setResponseContext({ language: 'JavaScript' });
        current.doResponse(writeReturn(version, `hello from Node, ${who}`));
        return error.SUCCESS;
    }
}

const hello = server.createServer(Hello);
hello.start({ endpoint: 'tcp -h 127.0.0.1 -p 0 -t 60000', servant: 'TestApp.HelloServer.HelloObj', protocol: 'tars' });

// The library tells its port to nobody, so it is asked where it keeps its listener.
const listener = hello._server._adapters[0]._netthread._listener;
listener.on('listening', () => console.log(`listening at tcp -h 127.0.0.1 -p ${listener.address().port}`));
