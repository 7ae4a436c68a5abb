//! Cloud Map: namespaces and services.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "servicediscovery",
    hand_written: &[],
    structs: structs! {
        /// A namespace for discovery by API calls, not by DNS.
        ///
        /// `Ref` returns the namespace's id (`ns-…`), which Service Connect does **not** accept: it requires the name or
        /// the ARN. `Fn::GetAtt` supports `Arn` and `Id`.
        HttpNamespace = "AWS::ServiceDiscovery::HttpNamespace" {
            /// The name, 1 to 1024 printable ASCII characters.
            Name,
            /// A description, at most 1024 characters. Default: none.
            Description,
        }

        /// A namespace for discovery by DNS within a VPC.
        ///
        /// `Ref` returns the namespace's id (`ns-…`). `Fn::GetAtt` supports `Arn`, `Id` and `HostedZoneId`.
        PrivateDnsNamespace = "AWS::ServiceDiscovery::PrivateDnsNamespace", new(Name, Vpc) {
            /// The domain, such as `appmesh` or `corp.local`; services have names such as `service.domain`.
            Name,
            /// The id of the VPC in which the domain resolves. Required by Cloud Map.
            Vpc,
            /// A description, at most 1024 characters. Default: none.
            Description,
            /// The domain's `SOA` record: `DnsProperties`. Default: Cloud Map's own.
            Properties,
        }

        /// A name in a namespace, with registered tasks.
        ///
        /// `Ref` returns the service's id (`srv-…`). `Fn::GetAtt` supports `Arn`, `Id` and `Name`.
        Service = "AWS::ServiceDiscovery::Service" {
            /// The name in the namespace. Default, decided by CloudFormation: stack name, logical id and a random part.
            Name,
            /// The namespace's id. Required, here or in the DNS configuration.
            NamespaceId,
            /// The DNS records of each instance. Default: none.
            DnsConfig,
            /// Health status set by an external checker, such as ECS. Default: none.
            HealthCheckCustomConfig,
            /// A description, at most 1024 characters. Default: none.
            Description,
            /// `HTTP` for discovery by API calls only, in a namespace with DNS. Default: the type of the namespace.
            Type,
        }

        /// The DNS records of each instance.
        DnsConfig = "AWS::ServiceDiscovery::Service.DnsConfig" {
            /// The records, each of another type.
            DnsRecords,
            /// `MULTIVALUE`, up to eight healthy instances, or `WEIGHTED`, one of them. Default, decided by Cloud Map:
            /// `MULTIVALUE`.
            RoutingPolicy,
            /// The namespace's id, if the service has none.
            NamespaceId,
        }

        /// A DNS record of each instance.
        DnsRecord = "AWS::ServiceDiscovery::Service.DnsRecord" {
            /// The type.
            Type,
            /// Time to live in seconds.
            TTL,
        }

        /// Health status set by an external checker.
        HealthCheckCustomConfig = "AWS::ServiceDiscovery::Service.HealthCheckCustomConfig" {
            /// Intervals of 30 s before a change of status takes effect. Cloud Map uses 1, whatever the value.
            FailureThreshold,
        }
    },
};
