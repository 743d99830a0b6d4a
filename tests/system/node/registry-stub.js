// A client of `tars.tarsregistry.Registry` for @tars/rpc, written by hand from the interface: it shares no code with the
// implementation under test, so an agreement between the two is worth something.
'use strict';

const Stream = require('@tars/stream');

// A struct for @tars/stream from its fields: [tag, name, type, required, type argument].
function struct(name, fields) {
    class Struct {
        constructor(values = {}) {
            this._classname = name;
            for (const [, field, type, , argument] of fields) {
                this[field] = types[type].from(values[field], argument);
            }
        }
        static _write(os, tag, value) { os.writeStruct(tag, value); }
        static _read(is, tag) { return is.readStruct(tag, true, Struct); }
        static _readFrom(is) {
            const value = new Struct();
            for (const [tag, field, type, required, argument] of fields) {
                value[field] = types[type].read(is, tag, required, value[field], argument);
            }
            return value;
        }
        static new() { return new Struct(); }
        static create(is) { return Struct._readFrom(is); }
        _writeTo(os) {
            for (const [tag, field, type] of fields) {
                types[type].write(os, tag, this[field]);
            }
        }
        toObject() {
            return Object.fromEntries(fields.map(([, field, type]) => [field, types[type].toObject(this[field])]));
        }
    }
    Struct._classname = name;
    return Struct;
}

const plain = (value) => value;
const container = (value) => value.toObject();
const types = {
    string: {
        from: (value = '') => value,
        write: (os, tag, value) => os.writeString(tag, value),
        read: (is, tag, required, fallback) => is.readString(tag, required, fallback),
        toObject: plain,
    },
    int: {
        from: (value = 0) => value,
        write: (os, tag, value) => os.writeInt32(tag, value),
        read: (is, tag, required, fallback) => is.readInt32(tag, required, fallback),
        toObject: plain,
    },
    bool: {
        from: (value = false) => value,
        write: (os, tag, value) => os.writeBoolean(tag, value),
        read: (is, tag, required, fallback) => is.readBoolean(tag, required, fallback),
        toObject: plain,
    },
    list: {
        from: (values = [], element) => {
            const list = Stream.List(element);
            values.forEach((value) => list.push(typeof element === 'function' ? new element(value) : value));
            return list;
        },
        write: (os, tag, value) => os.writeList(tag, value),
        read: (is, tag, required, _, element) => is.readList(tag, required, Stream.List(element)),
        toObject: container,
    },
    stringMap: {
        from: (values = {}) => {
            const map = Stream.Map(Stream.String, Stream.String);
            Object.entries(values).forEach(([key, value]) => map.insert(key, value));
            return map;
        },
        write: (os, tag, value) => os.writeMap(tag, value),
        read: (is, tag, required) => is.readMap(tag, required, Stream.Map(Stream.String, Stream.String)),
        toObject: container,
    },
};

const AdapterConf = struct('tars.AdapterConf', [
    [0, 'servant', 'string', true],
    [1, 'endpoint', 'string', true],
    [2, 'protocol', 'string', false],
    [3, 'maxConns', 'int', false],
    [4, 'threadNum', 'int', false],
    [5, 'queueCap', 'int', false],
    [6, 'queueTimeout', 'int', false],
]);
const MetricsAdapterInfo = struct('tars.MetricsAdapterInfo', [
    [0, 'targets', 'list', false, Stream.String],
    [1, 'labels', 'stringMap', false],
]);

// The request struct of each operation, and the type of its `rsp` parameter where it has one.
const operations = {
    onStartup: {
        request: struct('tars.onStartupReq', [
            [0, 'nodeName', 'string', true],
            [1, 'application', 'string', true],
            [2, 'server', 'string', true],
            [3, 'setID', 'string', false],
            [4, 'adapters', 'list', false, AdapterConf],
            [5, 'disableFlow', 'bool', false],
            [6, 'State', 'string', false],
            [7, 'Version', 'string', false],
            [8, 'templateName', 'string', false],
            [9, 'serverType', 'string', false],
        ]),
    },
    onPrestop: {
        request: struct('tars.onPrestopReq', [
            [0, 'nodeName', 'string', true],
            [1, 'application', 'string', false],
            [2, 'server', 'string', false],
        ]),
    },
    keepAlive: {
        request: struct('tars.keepAliveReq', [
            [0, 'nodeName', 'string', true],
            [1, 'state', 'string', true],
            [2, 'application', 'string', false],
            [3, 'server', 'string', false],
        ]),
    },
    registerMetrics: {
        request: struct('tars.RegisterMetricsReq', [
            [0, 'nodeName', 'string', true],
            [1, 'application', 'string', true],
            [2, 'server', 'string', true],
            [3, 'metricsPort', 'int', true],
        ]),
    },
    getMetricsAdapters: {
        request: struct('tars.GetMetricsAdaptersReq', [[0, 'filter', 'stringMap', false]]),
        response: Stream.List(MetricsAdapterInfo),
    },
};

// The class that Tars' `stringToProxy` instantiates: `call` invokes any operation by name with a plain object.
class RegistryProxy {
    async call(name, values) {
        const operation = operations[name];
        if (operation === undefined) {
            throw new Error(`no operation ${name}`);
        }
        const request = new Stream.TarsOutputStream();
        request.writeStruct(1, new operation.request(values));
        const { response } = await this._worker.tars_invoke(name, request.getBinBuffer());
        const reply = { context: response.context && response.context.toObject ? response.context.toObject() : {} };
        if (operation.response !== undefined) {
            const body = new Stream.TarsInputStream(response.sBuffer);
            reply.rsp = body.readList(2, true, operation.response).toObject();
        }
        return reply;
    }
}

module.exports = { RegistryProxy, struct };
