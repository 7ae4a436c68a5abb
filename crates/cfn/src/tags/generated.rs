//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use super::TagForm;

/// Resource types by the form and the name of their tag property.
pub(super) static TAGGABLE: &[(TagForm, &str, &str)] = &[
    (
        TagForm::List,
        "AccessPointTags",
        "\
         AWS::EFS::AccessPoint",
    ),
    (
        TagForm::List,
        "BotAliasTags",
        "\
         AWS::Lex::BotAlias",
    ),
    (
        TagForm::List,
        "BotTags",
        "\
         AWS::Lex::Bot",
    ),
    (
        TagForm::List,
        "FileSystemTags",
        "\
         AWS::EFS::FileSystem",
    ),
    (
        TagForm::List,
        "FrameworkTags",
        "\
         AWS::Backup::Framework",
    ),
    (
        TagForm::List,
        "HealthCheckTags",
        "\
         AWS::Route53::HealthCheck",
    ),
    (
        TagForm::List,
        "HostedZoneTags",
        "\
         AWS::Route53::HostedZone",
    ),
    (
        TagForm::List,
        "IdentityPoolTags",
        "\
         AWS::Cognito::IdentityPool",
    ),
    (
        TagForm::List,
        "PipelineTags",
        "\
         AWS::DataPipeline::Pipeline",
    ),
    (
        TagForm::List,
        "ReportPlanTags",
        "\
         AWS::Backup::ReportPlan",
    ),
    (
        TagForm::List,
        "ResourceTags",
        "\
         AWS::Budgets::Budget AWS::Budgets::BudgetsAction AWS::Invoicing::InvoiceUnit",
    ),
    (
        TagForm::List,
        "Tags",
        "\
         AWS::ACMPCA::CertificateAuthority AWS::AIOps::InvestigationGroup AWS::APS::AnomalyDetector \
         AWS::APS::RuleGroupsNamespace AWS::APS::Scraper AWS::APS::Workspace AWS::AWSExternalAnthropic::Workspace \
         AWS::AccessAnalyzer::Analyzer AWS::AccountAccess::Application AWS::AgentRegistry::Registry \
         AWS::AgentRegistry::RegistryRecord AWS::AmazonMQ::Broker AWS::AmazonMQ::Configuration AWS::Amplify::App \
         AWS::Amplify::Branch AWS::Amplify::Webhook AWS::ApiGateway::ApiKey AWS::ApiGateway::ClientCertificate \
         AWS::ApiGateway::DomainName AWS::ApiGateway::DomainNameV2 AWS::ApiGateway::RestApi AWS::ApiGateway::Stage \
         AWS::ApiGateway::UsagePlan AWS::ApiGateway::VpcLink AWS::ApiGatewayV2::PortalProduct \
         AWS::AppConfig::Application AWS::AppConfig::ConfigurationProfile AWS::AppConfig::DeploymentStrategy \
         AWS::AppConfig::Environment AWS::AppConfig::ExperimentDefinition AWS::AppConfig::ExperimentRun \
         AWS::AppConfig::Extension AWS::AppConfig::ExtensionAssociation AWS::AppFabric::AppAuthorization \
         AWS::AppFabric::IngestionDestination AWS::AppFlow::Flow AWS::AppIntegrations::Application \
         AWS::AppIntegrations::DataIntegration AWS::AppIntegrations::EventIntegration AWS::AppMesh::GatewayRoute \
         AWS::AppMesh::Mesh AWS::AppMesh::Route AWS::AppMesh::VirtualGateway AWS::AppMesh::VirtualNode \
         AWS::AppMesh::VirtualRouter AWS::AppMesh::VirtualService AWS::AppStream::AppBlockBuilder \
         AWS::AppStream::Fleet AWS::AppStream::ImageBuilder AWS::AppStream::Stack AWS::AppSync::Api \
         AWS::AppSync::ChannelNamespace AWS::AppSync::DomainName AWS::AppSync::GraphQLApi \
         AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationInsights::Application \
         AWS::ApplicationSignals::InstrumentationConfig AWS::ApplicationSignals::ServiceLevelObjective \
         AWS::Athena::CapacityReservation AWS::Athena::DataCatalog AWS::Athena::WorkGroup \
         AWS::AuditManager::Assessment AWS::AuditManager::AssessmentFramework AWS::B2BI::Capability \
         AWS::B2BI::Partnership AWS::B2BI::Profile AWS::B2BI::Transformer AWS::BCM::Dashboard \
         AWS::BCM::ScheduledReport AWS::BCMDataExports::Export AWS::Backup::LegalHold AWS::Backup::RestoreTestingPlan \
         AWS::BcmPricingCalculator::BillEstimate AWS::BcmPricingCalculator::BillScenario \
         AWS::BcmPricingCalculator::WorkloadEstimate AWS::Bedrock::ApplicationInferenceProfile \
         AWS::Bedrock::AutomatedReasoningPolicy AWS::Bedrock::Blueprint AWS::Bedrock::DataAutomationLibrary \
         AWS::Bedrock::DataAutomationProject AWS::Bedrock::Guardrail AWS::Bedrock::IntelligentPromptRouter \
         AWS::Bedrock::RetrievalInstruction AWS::Bedrock::Session AWS::BedrockAgentCore::ApiKeyCredentialProvider \
         AWS::BedrockAgentCore::CapacityProvider AWS::BedrockAgentCore::ConfigurationBundle \
         AWS::BedrockAgentCore::ConsentPortal AWS::BedrockAgentCore::Dataset AWS::BedrockAgentCore::Evaluator \
         AWS::BedrockAgentCore::Harness AWS::BedrockAgentCore::HarnessEndpoint \
         AWS::BedrockAgentCore::OAuth2CredentialProvider AWS::BedrockAgentCore::OnlineEvaluationConfig \
         AWS::BedrockAgentCore::PaymentCredentialProvider AWS::BedrockAgentCore::PaymentManager \
         AWS::BedrockAgentCore::PolicyEngine AWS::BedrockAgentCore::WorkloadIdentity AWS::BedrockMantle::Project \
         AWS::Billing::BillingView AWS::BillingConductor::BillingGroup AWS::BillingConductor::CustomLineItem \
         AWS::BillingConductor::PricingPlan AWS::BillingConductor::PricingRule AWS::Braket::SpendingLimit \
         AWS::CE::CostCategory AWS::CUR::ReportDefinition AWS::Cases::Case AWS::Cases::CaseRule AWS::Cases::Domain \
         AWS::Cases::Field AWS::Cases::Layout AWS::Cases::RelatedItem AWS::Cases::Template AWS::Cassandra::Keyspace \
         AWS::Cassandra::Table AWS::CertificateManager::AcmeDomainValidation AWS::CertificateManager::AcmeEndpoint \
         AWS::CertificateManager::AcmeExternalAccountBinding AWS::CertificateManager::Certificate \
         AWS::Chatbot::CustomAction AWS::Chatbot::MicrosoftTeamsChannelConfiguration \
         AWS::Chatbot::SlackChannelConfiguration AWS::Chime::AppInstance AWS::Chime::AppInstanceBot \
         AWS::Chime::AppInstanceUser AWS::Chime::Channel AWS::Chime::ChannelFlow \
         AWS::Chime::MediaInsightsPipelineConfiguration AWS::Chime::MediaPipelineKinesisVideoStreamPool \
         AWS::Chime::SipMediaApplication AWS::Chime::VoiceConnector AWS::CleanRooms::AnalysisTemplate \
         AWS::CleanRooms::Collaboration AWS::CleanRooms::ConfiguredTable AWS::CleanRooms::ConfiguredTableAssociation \
         AWS::CleanRooms::IdMappingTable AWS::CleanRooms::IdNamespaceAssociation AWS::CleanRooms::IntermediateTable \
         AWS::CleanRooms::Membership AWS::CleanRooms::PrivacyBudgetTemplate \
         AWS::CleanRoomsML::ConfiguredModelAlgorithm AWS::CleanRoomsML::ConfiguredModelAlgorithmAssociation \
         AWS::CleanRoomsML::TrainingDataset AWS::Cloud9::EnvironmentEC2 AWS::CloudFormation::Stack \
         AWS::CloudFormation::StackSet AWS::CloudFront::ConnectionFunction AWS::CloudFront::ConnectionGroup \
         AWS::CloudFront::Distribution AWS::CloudFront::DistributionTenant AWS::CloudFront::Function \
         AWS::CloudFront::KeyValueStore AWS::CloudFront::StreamingDistribution AWS::CloudFront::TrustStore \
         AWS::CloudFront::VpcOrigin AWS::CloudHSM::Cluster AWS::CloudTrail::Channel AWS::CloudTrail::Dashboard \
         AWS::CloudTrail::EventDataStore AWS::CloudTrail::Trail AWS::CloudWatch::Alarm AWS::CloudWatch::AlarmMuteRule \
         AWS::CloudWatch::CompositeAlarm AWS::CloudWatch::Dashboard AWS::CloudWatch::InsightRule \
         AWS::CloudWatch::Integration AWS::CloudWatch::LogAlarm AWS::CloudWatch::MetricStream AWS::CloudWatch::View \
         AWS::CodeArtifact::Domain AWS::CodeArtifact::PackageGroup AWS::CodeArtifact::Repository \
         AWS::CodeBuild::Fleet AWS::CodeBuild::Project AWS::CodeBuild::ReportGroup AWS::CodeCommit::Repository \
         AWS::CodeConnections::Connection AWS::CodeConnections::Host AWS::CodeDeploy::Application \
         AWS::CodeDeploy::DeploymentGroup AWS::CodeGuruProfiler::ProfilingGroup AWS::CodePipeline::CustomActionType \
         AWS::CodePipeline::Pipeline AWS::CodePipeline::Webhook AWS::CodeStarConnections::Connection \
         AWS::CodeStarConnections::RepositoryLink AWS::Comprehend::DocumentClassifier \
         AWS::Comprehend::DocumentClassifierEndpoint AWS::Comprehend::EntityRecognizer \
         AWS::Comprehend::EntityRecognizerEndpoint AWS::Comprehend::Flywheel AWS::ComputeOptimizer::AutomationRule \
         AWS::Config::AggregationAuthorization AWS::Config::ConfigurationAggregator AWS::Config::ConformancePack \
         AWS::Config::Connector AWS::Config::OrganizationConformancePack AWS::Config::StoredQuery \
         AWS::Connect::AgentStatus AWS::Connect::ContactFlow AWS::Connect::ContactFlowModule AWS::Connect::DataTable \
         AWS::Connect::EmailAddress AWS::Connect::EvaluationForm AWS::Connect::HoursOfOperation \
         AWS::Connect::Instance AWS::Connect::IntegrationAssociation AWS::Connect::Metric AWS::Connect::Notification \
         AWS::Connect::PhoneNumber AWS::Connect::Prompt AWS::Connect::Queue AWS::Connect::QuickConnect \
         AWS::Connect::RoutingProfile AWS::Connect::Rule AWS::Connect::SecurityProfile AWS::Connect::TaskTemplate \
         AWS::Connect::TestCase AWS::Connect::TrafficDistributionGroup AWS::Connect::UseCase AWS::Connect::User \
         AWS::Connect::UserHierarchyGroup AWS::Connect::View AWS::Connect::Vocabulary AWS::Connect::Workspace \
         AWS::ConnectCampaigns::Campaign AWS::ConnectCampaignsV2::Campaign AWS::ControlTower::EnabledBaseline \
         AWS::ControlTower::EnabledControl AWS::ControlTower::LandingZone \
         AWS::CustomerProfiles::CalculatedAttributeDefinition AWS::CustomerProfiles::Domain \
         AWS::CustomerProfiles::DomainObjectType AWS::CustomerProfiles::EventStream \
         AWS::CustomerProfiles::EventTrigger AWS::CustomerProfiles::Integration AWS::CustomerProfiles::ObjectType \
         AWS::CustomerProfiles::Recommender AWS::CustomerProfiles::RecommenderFilter \
         AWS::CustomerProfiles::RecommenderSchema AWS::CustomerProfiles::SegmentDefinition AWS::DLM::LifecyclePolicy \
         AWS::DMS::DataMigration AWS::DMS::DataProvider AWS::DMS::Endpoint AWS::DMS::EventSubscription \
         AWS::DMS::InstanceProfile AWS::DMS::MigrationProject AWS::DMS::ReplicationConfig \
         AWS::DMS::ReplicationInstance AWS::DMS::ReplicationSubnetGroup AWS::DMS::ReplicationTask \
         AWS::DRS::RecoveryPlan AWS::DRS::ReplicationConfigurationTemplate AWS::DRS::SourceNetwork AWS::DSQL::Cluster \
         AWS::DataBrew::Dataset AWS::DataBrew::Job AWS::DataBrew::Project AWS::DataBrew::Recipe \
         AWS::DataBrew::Ruleset AWS::DataBrew::Schedule AWS::DataExchange::DataSet AWS::DataExchange::EventAction \
         AWS::DataSync::Agent AWS::DataSync::LocationAzureBlob AWS::DataSync::LocationEFS \
         AWS::DataSync::LocationFSxLustre AWS::DataSync::LocationFSxONTAP AWS::DataSync::LocationFSxOpenZFS \
         AWS::DataSync::LocationFSxWindows AWS::DataSync::LocationHDFS AWS::DataSync::LocationNFS \
         AWS::DataSync::LocationObjectStorage AWS::DataSync::LocationS3 AWS::DataSync::LocationSMB \
         AWS::DataSync::Task AWS::DataZone::Domain AWS::Deadline::Budget AWS::Deadline::Farm AWS::Deadline::Fleet \
         AWS::Deadline::LicenseEndpoint AWS::Deadline::Monitor AWS::Deadline::Queue AWS::Deadline::Worker \
         AWS::Detective::Graph AWS::DevOpsAgent::AgentSpace AWS::DevOpsAgent::PrivateConnection \
         AWS::DevOpsAgent::Service AWS::DirectConnect::Connection AWS::DirectConnect::DirectConnectGateway \
         AWS::DirectConnect::Lag AWS::DirectConnect::PrivateVirtualInterface \
         AWS::DirectConnect::PublicVirtualInterface AWS::DirectConnect::TransitVirtualInterface \
         AWS::DirectoryService::SimpleAD AWS::DocDB::DBCluster AWS::DocDB::DBClusterParameterGroup \
         AWS::DocDB::DBInstance AWS::DocDB::DBSubnetGroup AWS::DocDB::GlobalCluster AWS::DocDBElastic::Cluster \
         AWS::DocDBElastic::ClusterSnapshot AWS::DynamoDB::Table AWS::EC2::ApplicationStatusCheck \
         AWS::EC2::CapacityManagerDataExport AWS::EC2::CarrierGateway AWS::EC2::CustomerGateway AWS::EC2::DHCPOptions \
         AWS::EC2::EIP AWS::EC2::EgressOnlyInternetGateway AWS::EC2::FlowLog AWS::EC2::FpgaImage AWS::EC2::Host \
         AWS::EC2::IPAM AWS::EC2::IPAMPool AWS::EC2::IPAMPrefixListResolver AWS::EC2::IPAMPrefixListResolverTarget \
         AWS::EC2::IPAMResourceDiscovery AWS::EC2::IPAMResourceDiscoveryAssociation AWS::EC2::IPAMScope \
         AWS::EC2::IPv4Pool AWS::EC2::Instance AWS::EC2::InstanceConnectEndpoint AWS::EC2::InstanceEventWindow \
         AWS::EC2::InternetGateway AWS::EC2::IpamExternalResourceVerificationToken \
         AWS::EC2::IpamInternetRegistryAssociation AWS::EC2::LocalGatewayRouteTable \
         AWS::EC2::LocalGatewayRouteTableVPCAssociation \
         AWS::EC2::LocalGatewayRouteTableVirtualInterfaceGroupAssociation AWS::EC2::LocalGatewayVirtualInterface \
         AWS::EC2::LocalGatewayVirtualInterfaceGroup AWS::EC2::NatGateway AWS::EC2::NetworkAcl \
         AWS::EC2::NetworkInsightsAccessScope AWS::EC2::NetworkInsightsAccessScopeAnalysis \
         AWS::EC2::NetworkInsightsAnalysis AWS::EC2::NetworkInsightsPath AWS::EC2::NetworkInterface \
         AWS::EC2::PrefixList AWS::EC2::RouteServer AWS::EC2::RouteServerEndpoint AWS::EC2::RouteServerPeer \
         AWS::EC2::RouteTable AWS::EC2::SecondaryNetwork AWS::EC2::SecurityGroup AWS::EC2::Subnet \
         AWS::EC2::SubnetCidrReservation AWS::EC2::TrafficMirrorFilter AWS::EC2::TrafficMirrorFilterRule \
         AWS::EC2::TrafficMirrorSession AWS::EC2::TrafficMirrorTarget AWS::EC2::TransitGateway \
         AWS::EC2::TransitGatewayAttachment AWS::EC2::TransitGatewayConnect AWS::EC2::TransitGatewayConnectPeer \
         AWS::EC2::TransitGatewayMeteringPolicy AWS::EC2::TransitGatewayMulticastDomain \
         AWS::EC2::TransitGatewayPeeringAttachment AWS::EC2::TransitGatewayPolicyTable \
         AWS::EC2::TransitGatewayRouteTable AWS::EC2::TransitGatewayVpcAttachment AWS::EC2::VPC \
         AWS::EC2::VPCBlockPublicAccessExclusion AWS::EC2::VPCEncryptionControl AWS::EC2::VPCEndpoint \
         AWS::EC2::VPCEndpointService AWS::EC2::VPCPeeringConnection AWS::EC2::VPNConcentrator \
         AWS::EC2::VPNConnection AWS::EC2::VPNGateway AWS::EC2::VerifiedAccessEndpoint AWS::EC2::VerifiedAccessGroup \
         AWS::EC2::VerifiedAccessInstance AWS::EC2::VerifiedAccessTrustProvider AWS::EC2::Volume \
         AWS::ECR::PublicRepository AWS::ECR::Repository AWS::ECS::CapacityProvider AWS::ECS::Cluster \
         AWS::ECS::Daemon AWS::ECS::DaemonTaskDefinition AWS::ECS::Gateway AWS::ECS::Service AWS::ECS::TaskDefinition \
         AWS::ECS::TaskSet AWS::EKS::AccessEntry AWS::EKS::Addon AWS::EKS::Capability AWS::EKS::Cluster \
         AWS::EKS::FargateProfile AWS::EKS::IdentityProviderConfig AWS::EKS::PodIdentityAssociation AWS::EMR::Cluster \
         AWS::EMR::Studio AWS::EMR::WALWorkspace AWS::EMRContainers::Endpoint \
         AWS::EMRContainers::SecurityConfiguration AWS::EMRContainers::VirtualCluster AWS::EMRServerless::Application \
         AWS::EVS::Environment AWS::ElastiCache::CacheCluster AWS::ElastiCache::GlobalReplicationGroup \
         AWS::ElastiCache::ParameterGroup AWS::ElastiCache::ReplicationGroup AWS::ElastiCache::SecurityGroup \
         AWS::ElastiCache::ServerlessCache AWS::ElastiCache::ServerlessCacheSnapshot AWS::ElastiCache::Snapshot \
         AWS::ElastiCache::SubnetGroup AWS::ElastiCache::User AWS::ElastiCache::UserGroup \
         AWS::ElasticBeanstalk::Environment AWS::ElasticLoadBalancing::LoadBalancer \
         AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerRule \
         AWS::ElasticLoadBalancingV2::LoadBalancer AWS::ElasticLoadBalancingV2::TargetGroup \
         AWS::ElasticLoadBalancingV2::TrustStore AWS::Elasticsearch::Domain AWS::EntityResolution::IdMappingWorkflow \
         AWS::EntityResolution::IdNamespace AWS::EntityResolution::MatchingWorkflow \
         AWS::EntityResolution::SchemaMapping AWS::EventSchemas::Discoverer AWS::EventSchemas::Registry \
         AWS::EventSchemas::Schema AWS::Events::EventBus AWS::Events::Rule AWS::EventsV2::EventBus \
         AWS::EventsV2::EventSource AWS::EventsV2::Subscriber AWS::Evidently::Experiment AWS::Evidently::Feature \
         AWS::Evidently::Launch AWS::Evidently::Project AWS::Evidently::Segment AWS::FMS::ApplicationsList \
         AWS::FMS::Policy AWS::FMS::ProtocolsList AWS::FMS::ResourceSet AWS::FSx::Backup \
         AWS::FSx::DataRepositoryAssociation AWS::FSx::FileCache AWS::FSx::FileSystem AWS::FSx::Snapshot \
         AWS::FSx::StorageVirtualMachine AWS::FSx::Volume AWS::Forecast::Dataset AWS::Forecast::DatasetGroup \
         AWS::FraudDetector::Detector AWS::FraudDetector::EntityType AWS::FraudDetector::EventType \
         AWS::FraudDetector::Label AWS::FraudDetector::List AWS::FraudDetector::Outcome AWS::FraudDetector::Variable \
         AWS::GameLift::Alias AWS::GameLift::Build AWS::GameLift::ContainerFleet \
         AWS::GameLift::ContainerGroupDefinition AWS::GameLift::Fleet AWS::GameLift::GameServerGroup \
         AWS::GameLift::GameSessionQueue AWS::GameLift::Location AWS::GameLift::MatchmakingConfiguration \
         AWS::GameLift::MatchmakingRuleSet AWS::GameLift::Script AWS::GlobalAccelerator::Accelerator \
         AWS::GlobalAccelerator::CrossAccountAttachment AWS::Glue::Blueprint AWS::Glue::Catalog \
         AWS::Glue::ConnectionType AWS::Glue::Integration AWS::Glue::IntegrationResourceProperty AWS::Glue::Registry \
         AWS::Glue::Schema AWS::Glue::Session AWS::Glue::UsageProfile AWS::Grafana::Workspace \
         AWS::GroundStation::Config AWS::GroundStation::DataflowEndpointGroup \
         AWS::GroundStation::DataflowEndpointGroupV2 AWS::GroundStation::MissionProfile \
         AWS::GuardDuty::CustomDetectionRuleAssociation AWS::GuardDuty::Detector AWS::GuardDuty::Filter \
         AWS::GuardDuty::IPSet AWS::GuardDuty::MalwareProtectionPlan AWS::GuardDuty::PublishingDestination \
         AWS::GuardDuty::ThreatEntitySet AWS::GuardDuty::ThreatIntelSet AWS::GuardDuty::TrustedEntitySet \
         AWS::HealthAgent::Domain AWS::HealthLake::DataTransformationProfile AWS::HealthLake::FHIRDatastore \
         AWS::IAM::OIDCProvider AWS::IAM::Role AWS::IAM::SAMLProvider AWS::IAM::ServerCertificate AWS::IAM::User \
         AWS::IAM::VirtualMFADevice AWS::IVS::AdConfiguration AWS::IVS::Channel AWS::IVS::EncoderConfiguration \
         AWS::IVS::IngestConfiguration AWS::IVS::PlaybackKeyPair AWS::IVS::PlaybackRestrictionPolicy \
         AWS::IVS::PublicKey AWS::IVS::RecordingConfiguration AWS::IVS::Stage AWS::IVS::StorageConfiguration \
         AWS::IVS::StreamKey AWS::IVSChat::LoggingConfiguration AWS::IVSChat::Room AWS::InspectorV2::Connector \
         AWS::Interconnect::Connection AWS::InternetMonitor::Monitor AWS::Invoicing::ProcurementPortalPreference \
         AWS::IoT::Authorizer AWS::IoT::BillingGroup AWS::IoT::CACertificate AWS::IoT::CertificateProvider \
         AWS::IoT::Command AWS::IoT::CustomMetric AWS::IoT::Dimension AWS::IoT::DomainConfiguration \
         AWS::IoT::FleetMetric AWS::IoT::Job AWS::IoT::MitigationAction AWS::IoT::Policy \
         AWS::IoT::ProvisioningTemplate AWS::IoT::RoleAlias AWS::IoT::ScheduledAudit AWS::IoT::SecurityProfile \
         AWS::IoT::SoftwarePackage AWS::IoT::SoftwarePackageVersion AWS::IoT::Stream AWS::IoT::ThingGroup \
         AWS::IoT::ThingType AWS::IoT::TopicRule AWS::IoTAnalytics::Channel AWS::IoTAnalytics::Dataset \
         AWS::IoTAnalytics::Datastore AWS::IoTAnalytics::Pipeline AWS::IoTCoreDeviceAdvisor::SuiteDefinition \
         AWS::IoTFleetWise::Campaign AWS::IoTFleetWise::DecoderManifest AWS::IoTFleetWise::Fleet \
         AWS::IoTFleetWise::ModelManifest AWS::IoTFleetWise::SignalCatalog AWS::IoTFleetWise::StateTemplate \
         AWS::IoTFleetWise::Vehicle AWS::IoTSecureTunneling::Tunnel AWS::IoTSiteWise::Application \
         AWS::IoTSiteWise::Asset AWS::IoTSiteWise::AssetModel AWS::IoTSiteWise::ComputationModel \
         AWS::IoTSiteWise::Dashboard AWS::IoTSiteWise::Dataset AWS::IoTSiteWise::Gateway AWS::IoTSiteWise::Pipeline \
         AWS::IoTSiteWise::Portal AWS::IoTSiteWise::Project AWS::IoTSiteWise::Task AWS::IoTSiteWise::Workspace \
         AWS::IoTWireless::Destination AWS::IoTWireless::DeviceProfile AWS::IoTWireless::FuotaTask \
         AWS::IoTWireless::MulticastGroup AWS::IoTWireless::NetworkAnalyzerConfiguration \
         AWS::IoTWireless::PartnerAccount AWS::IoTWireless::ServiceProfile AWS::IoTWireless::TaskDefinition \
         AWS::IoTWireless::WirelessDevice AWS::IoTWireless::WirelessDeviceImportTask \
         AWS::IoTWireless::WirelessGateway AWS::KMS::Key AWS::KMS::ReplicaKey AWS::KafkaConnect::Connector \
         AWS::KafkaConnect::CustomPlugin AWS::KafkaConnect::WorkerConfiguration AWS::Kendra::DataSource \
         AWS::Kendra::Faq AWS::Kendra::FeaturedResultsSet AWS::Kendra::Index AWS::Kendra::QuerySuggestionsBlockList \
         AWS::Kendra::Thesaurus AWS::KendraRanking::ExecutionPlan AWS::Kinesis::Channel AWS::Kinesis::Stream \
         AWS::KinesisAnalyticsV2::Application AWS::KinesisFirehose::DeliveryStream \
         AWS::KinesisVideo::SignalingChannel AWS::KinesisVideo::Stream AWS::Lambda::CapacityProvider \
         AWS::Lambda::CodeSigningConfig AWS::Lambda::EventSourceMapping AWS::Lambda::Function \
         AWS::Lambda::MicrovmImage AWS::Lambda::NetworkConnector AWS::Lambda::WebFunction \
         AWS::LaunchWizard::Deployment AWS::LicenseManager::Grant AWS::LicenseManager::License \
         AWS::LicenseManager::LicenseAssetGroup AWS::LicenseManager::LicenseAssetRuleSet \
         AWS::LicenseManager::LicenseConfiguration AWS::LicenseManager::ReportGenerator \
         AWS::LicenseManagerLinuxSubscriptions::SubscriptionProvider \
         AWS::LicenseManagerUserSubscriptions::LicenseServerEndpoint AWS::Lightsail::Bucket \
         AWS::Lightsail::Certificate AWS::Lightsail::Container AWS::Lightsail::Database \
         AWS::Lightsail::DatabaseSnapshot AWS::Lightsail::Disk AWS::Lightsail::DiskSnapshot \
         AWS::Lightsail::Distribution AWS::Lightsail::Domain AWS::Lightsail::Instance \
         AWS::Lightsail::InstanceSnapshot AWS::Lightsail::KeyPair AWS::Lightsail::LoadBalancer AWS::Location::APIKey \
         AWS::Location::GeofenceCollection AWS::Location::Map AWS::Location::PlaceIndex \
         AWS::Location::RouteCalculator AWS::Location::Tracker AWS::Logs::Delivery AWS::Logs::DeliveryDestination \
         AWS::Logs::DeliverySource AWS::Logs::Destination AWS::Logs::LogGroup AWS::Logs::ScheduledQuery \
         AWS::LookoutEquipment::InferenceScheduler AWS::MGN::Connector AWS::MGN::NetworkMigrationDefinition \
         AWS::MPA::ApprovalTeam AWS::MPA::IdentitySource AWS::MSK::Replicator AWS::Macie::AllowList \
         AWS::Macie::CustomDataIdentifier AWS::Macie::FindingsFilter AWS::Macie::Member AWS::MediaConnect::Flow \
         AWS::MediaConnect::FlowEntitlement AWS::MediaConnect::FlowMediaStream AWS::MediaConnect::FlowOutput \
         AWS::MediaConnect::FlowSource AWS::MediaConnect::FlowVpcInterface AWS::MediaConnect::RouterInput \
         AWS::MediaConnect::RouterNetworkInterface AWS::MediaConnect::RouterOutput \
         AWS::MediaLive::ChannelPlacementGroup AWS::MediaLive::Cluster AWS::MediaLive::Multiplex \
         AWS::MediaLive::Network AWS::MediaLive::Node AWS::MediaLive::SdiSource AWS::MediaPackage::OriginEndpoint \
         AWS::MediaPackage::PackagingConfiguration AWS::MediaPackageV2::Channel AWS::MediaPackageV2::ChannelGroup \
         AWS::MediaPackageV2::OriginEndpoint AWS::MediaStore::Container AWS::MediaTailor::Channel \
         AWS::MediaTailor::Function AWS::MediaTailor::LiveSource AWS::MediaTailor::PlaybackConfiguration \
         AWS::MediaTailor::PrefetchSchedule AWS::MediaTailor::SourceLocation AWS::MediaTailor::VodSource \
         AWS::MemoryDB::ACL AWS::MemoryDB::Cluster AWS::MemoryDB::MultiRegionCluster AWS::MemoryDB::ParameterGroup \
         AWS::MemoryDB::Snapshot AWS::MemoryDB::SubnetGroup AWS::MemoryDB::User AWS::Neptune::DBCluster \
         AWS::Neptune::DBClusterParameterGroup AWS::Neptune::DBInstance AWS::Neptune::DBParameterGroup \
         AWS::Neptune::DBSubnetGroup AWS::Neptune::EventSubscription AWS::Neptune::GlobalCluster \
         AWS::NeptuneGraph::Graph AWS::NeptuneGraph::GraphSnapshot AWS::NetworkFirewall::ContainerAssociation \
         AWS::NetworkFirewall::Firewall AWS::NetworkFirewall::FirewallPolicy AWS::NetworkFirewall::RuleGroup \
         AWS::NetworkFirewall::TLSInspectionConfiguration AWS::NetworkFirewall::VpcEndpointAssociation \
         AWS::NetworkFlowMonitor::Monitor AWS::NetworkFlowMonitor::Scope AWS::NetworkManager::ConnectAttachment \
         AWS::NetworkManager::ConnectPeer AWS::NetworkManager::CoreNetwork AWS::NetworkManager::Device \
         AWS::NetworkManager::DirectConnectGatewayAttachment AWS::NetworkManager::GlobalNetwork \
         AWS::NetworkManager::Link AWS::NetworkManager::Site AWS::NetworkManager::SiteToSiteVpnAttachment \
         AWS::NetworkManager::TransitGatewayPeering AWS::NetworkManager::TransitGatewayRouteTableAttachment \
         AWS::NetworkManager::VpcAttachment AWS::NetworkMonitor::Monitor AWS::NetworkSecurityManager::Deployment \
         AWS::NetworkSecurityManager::Policy AWS::NetworkSecurityManager::Rule AWS::NetworkSecurityManager::Scope \
         AWS::NetworkSecurityManager::Template AWS::ODB::CloudAutonomousVmCluster \
         AWS::ODB::CloudExadataInfrastructure AWS::ODB::CloudVmCluster AWS::ODB::OdbNetwork \
         AWS::ODB::OdbPeeringConnection AWS::OSIS::Pipeline AWS::ObservabilityAdmin::DatasetIntegration \
         AWS::ObservabilityAdmin::OrganizationCentralizationRule AWS::ObservabilityAdmin::OrganizationTelemetryRule \
         AWS::ObservabilityAdmin::S3TableIntegration AWS::ObservabilityAdmin::TelemetryPipelines \
         AWS::ObservabilityAdmin::TelemetryRule AWS::Omics::RunCache AWS::OpenSearchServerless::CollectionGroup \
         AWS::OpenSearchService::Application AWS::OpenSearchService::Domain AWS::Organizations::Account \
         AWS::Organizations::OrganizationalUnit AWS::Organizations::Policy AWS::Organizations::ResourcePolicy \
         AWS::Outposts::Outpost AWS::Outposts::Site AWS::Panorama::ApplicationInstance AWS::Panorama::Package \
         AWS::PaymentCryptography::Key AWS::Personalize::Campaign AWS::Personalize::EventTracker \
         AWS::Personalize::Filter AWS::PinpointEmail::ConfigurationSet AWS::PinpointEmail::DedicatedIpPool \
         AWS::PinpointEmail::Identity AWS::Proton::EnvironmentAccountConnection AWS::Proton::EnvironmentTemplate \
         AWS::Proton::ServiceTemplate AWS::QBusiness::Application AWS::QBusiness::DataAccessor \
         AWS::QBusiness::DataSource AWS::QBusiness::Index AWS::QBusiness::Plugin AWS::QBusiness::Retriever \
         AWS::QBusiness::WebExperience AWS::QLDB::Ledger AWS::QLDB::Stream AWS::QuickSight::ActionConnector \
         AWS::QuickSight::Agent AWS::QuickSight::Analysis AWS::QuickSight::Brand AWS::QuickSight::CustomPermissions \
         AWS::QuickSight::Customization AWS::QuickSight::DLPSetting AWS::QuickSight::Dashboard \
         AWS::QuickSight::DataSet AWS::QuickSight::DataSource AWS::QuickSight::Folder AWS::QuickSight::KnowledgeBase \
         AWS::QuickSight::OAuthClientApplication AWS::QuickSight::Space AWS::QuickSight::Template \
         AWS::QuickSight::Theme AWS::QuickSight::VPCConnection AWS::RAM::Permission AWS::RAM::ResourceShare \
         AWS::RDS::ClusterSnapshot AWS::RDS::CustomDBEngineVersion AWS::RDS::DBCluster AWS::RDS::DBClusterEndpoint \
         AWS::RDS::DBClusterParameterGroup AWS::RDS::DBInstance AWS::RDS::DBParameterGroup AWS::RDS::DBProxy \
         AWS::RDS::DBProxyEndpoint AWS::RDS::DBProxyTargetGroup AWS::RDS::DBSecurityGroup AWS::RDS::DBShardGroup \
         AWS::RDS::DBSnapshot AWS::RDS::DBSubnetGroup AWS::RDS::Deployment AWS::RDS::EventSubscription \
         AWS::RDS::GlobalCluster AWS::RDS::Integration AWS::RDS::OptionGroup AWS::RTBFabric::InboundExternalLink \
         AWS::RTBFabric::Link AWS::RTBFabric::LinkRoutingRule AWS::RTBFabric::OutboundExternalLink \
         AWS::RTBFabric::RequesterGateway AWS::RTBFabric::ResponderGateway AWS::RUM::AppMonitor AWS::Rbin::Rule \
         AWS::Redshift::Cluster AWS::Redshift::ClusterParameterGroup AWS::Redshift::ClusterSecurityGroup \
         AWS::Redshift::ClusterSubnetGroup AWS::Redshift::EventSubscription AWS::Redshift::Integration \
         AWS::Redshift::QEV2IdcApplication AWS::Redshift::RedshiftIdcApplication AWS::Redshift::Snapshot \
         AWS::Redshift::SnapshotCopyGrant AWS::Redshift::SnapshotSchedule AWS::Redshift::UsageLimit \
         AWS::RedshiftServerless::Namespace AWS::RedshiftServerless::Workgroup AWS::RefactorSpaces::Application \
         AWS::RefactorSpaces::Environment AWS::RefactorSpaces::Route AWS::RefactorSpaces::Service \
         AWS::Rekognition::Collection AWS::Rekognition::Dataset AWS::Rekognition::Project \
         AWS::Rekognition::StreamProcessor AWS::ResilienceHubV2::Policy AWS::ResilienceHubV2::Service \
         AWS::ResilienceHubV2::System AWS::ResourceGroups::Group AWS::RolesAnywhere::CRL AWS::RolesAnywhere::Profile \
         AWS::RolesAnywhere::TrustAnchor AWS::Route53GlobalResolver::AccessSource \
         AWS::Route53GlobalResolver::AccessToken AWS::Route53GlobalResolver::DnsView \
         AWS::Route53GlobalResolver::FirewallDomainList AWS::Route53GlobalResolver::GlobalResolver \
         AWS::Route53Profiles::Profile AWS::Route53Profiles::ProfileAssociation AWS::Route53RecoveryReadiness::Cell \
         AWS::Route53RecoveryReadiness::ReadinessCheck AWS::Route53RecoveryReadiness::RecoveryGroup \
         AWS::Route53RecoveryReadiness::ResourceSet AWS::Route53Resolver::FirewallDomainList \
         AWS::Route53Resolver::FirewallRuleGroup AWS::Route53Resolver::FirewallRuleGroupAssociation \
         AWS::Route53Resolver::OutpostResolver AWS::Route53Resolver::ResolverEndpoint \
         AWS::Route53Resolver::ResolverRule AWS::S3::AccessPoint AWS::S3::Bucket AWS::S3::StorageLens \
         AWS::S3::StorageLensGroup AWS::S3Express::AccessPoint AWS::S3Express::DirectoryBucket \
         AWS::S3Files::AccessPoint AWS::S3Files::FileSystem AWS::S3Outposts::Bucket AWS::S3Tables::Table \
         AWS::S3Tables::TableBucket AWS::S3Vectors::Index AWS::S3Vectors::VectorBucket AWS::SCN::DataIntegrationFlow \
         AWS::SCN::Dataset AWS::SCN::Instance AWS::SCN::Namespace AWS::SES::ConfigurationSet AWS::SES::ContactList \
         AWS::SES::CustomVerificationEmailTemplate AWS::SES::DedicatedIpPool AWS::SES::EmailIdentity \
         AWS::SES::MailManagerAddonInstance AWS::SES::MailManagerAddonSubscription AWS::SES::MailManagerAddressList \
         AWS::SES::MailManagerArchive AWS::SES::MailManagerIngressPoint AWS::SES::MailManagerRelay \
         AWS::SES::MailManagerRuleSet AWS::SES::MailManagerTrafficPolicy AWS::SES::MultiRegionEndpoint \
         AWS::SES::Template AWS::SES::Tenant AWS::SMSVOICE::ConfigurationSet AWS::SMSVOICE::NotifyConfiguration \
         AWS::SMSVOICE::OptOutList AWS::SMSVOICE::PhoneNumber AWS::SMSVOICE::Pool AWS::SMSVOICE::ProtectConfiguration \
         AWS::SMSVOICE::RcsAgent AWS::SMSVOICE::Registration AWS::SMSVOICE::RegistrationAttachment \
         AWS::SMSVOICE::SenderId AWS::SMSVOICE::VerifiedDestinationNumber AWS::SNS::Topic AWS::SQS::Queue \
         AWS::SSM::Association AWS::SSM::CloudConnector AWS::SSM::Document AWS::SSM::MaintenanceWindow \
         AWS::SSM::OpsItem AWS::SSM::PatchBaseline AWS::SSMContacts::Contact AWS::SSMContacts::Rotation \
         AWS::SSMIncidents::ReplicationSet AWS::SSMIncidents::ResponsePlan AWS::SSO::Application AWS::SSO::Instance \
         AWS::SSO::PermissionSet AWS::SageMaker::AIWorkloadConfig AWS::SageMaker::Action AWS::SageMaker::Algorithm \
         AWS::SageMaker::App AWS::SageMaker::AppImageConfig AWS::SageMaker::Artifact AWS::SageMaker::Cluster \
         AWS::SageMaker::ClusterSchedulerConfig AWS::SageMaker::CodeRepository AWS::SageMaker::ComputeQuota \
         AWS::SageMaker::Context AWS::SageMaker::Device AWS::SageMaker::DeviceFleet AWS::SageMaker::Domain \
         AWS::SageMaker::Endpoint AWS::SageMaker::EndpointConfig AWS::SageMaker::Experiment \
         AWS::SageMaker::ExperimentTrialComponent AWS::SageMaker::Hub AWS::SageMaker::HumanTaskUi \
         AWS::SageMaker::Image AWS::SageMaker::InferenceComponent AWS::SageMaker::InferenceExperiment \
         AWS::SageMaker::MlflowApp AWS::SageMaker::MlflowTrackingServer AWS::SageMaker::Model \
         AWS::SageMaker::ModelCard AWS::SageMaker::ModelPackage AWS::SageMaker::ModelPackageGroup \
         AWS::SageMaker::MonitoringSchedule AWS::SageMaker::NotebookInstance \
         AWS::SageMaker::NotebookInstanceLifecycleConfig AWS::SageMaker::PartnerApp AWS::SageMaker::Pipeline \
         AWS::SageMaker::Space AWS::SageMaker::TrialComponent AWS::SageMaker::UserProfile AWS::SageMaker::Workforce \
         AWS::SageMaker::Workteam AWS::Scheduler::ScheduleGroup AWS::SecretsManager::Secret \
         AWS::SecurityAgent::AgentSpace AWS::SecurityAgent::Application AWS::SecurityAgent::Integration \
         AWS::SecurityAgent::SecurityRequirementPack AWS::SecurityAgent::TargetDomain AWS::SecurityLake::DataLake \
         AWS::SecurityLake::Subscriber AWS::ServiceCatalog::CloudFormationProduct \
         AWS::ServiceCatalog::CloudFormationProvisionedProduct AWS::ServiceCatalog::Portfolio \
         AWS::ServiceDiscovery::HttpNamespace AWS::ServiceDiscovery::PrivateDnsNamespace \
         AWS::ServiceDiscovery::PublicDnsNamespace AWS::ServiceDiscovery::Service AWS::Shield::Protection \
         AWS::Shield::ProtectionGroup AWS::Signer::SigningProfile AWS::StepFunctions::Activity \
         AWS::StepFunctions::StateMachine AWS::StorageGateway::NFSFileShare AWS::StorageGateway::SMBFileShare \
         AWS::StorageGateway::Tape AWS::StorageGateway::TapePool AWS::StorageGateway::Volume \
         AWS::SupportAuthZ::SupportPermit AWS::Synthetics::Canary AWS::Synthetics::Group \
         AWS::SystemsManagerSAP::Application AWS::Textract::Adapter AWS::Timestream::Database \
         AWS::Timestream::InfluxDBBackup AWS::Timestream::InfluxDBCluster AWS::Timestream::InfluxDBInstance \
         AWS::Timestream::ScheduledQuery AWS::Timestream::Table AWS::Transcribe::CallAnalyticsCategory \
         AWS::Transcribe::MedicalVocabulary AWS::Transcribe::Vocabulary AWS::Transcribe::VocabularyFilter \
         AWS::Transfer::Agreement AWS::Transfer::Certificate AWS::Transfer::Connector AWS::Transfer::HostKey \
         AWS::Transfer::Profile AWS::Transfer::Server AWS::Transfer::User AWS::Transfer::WebApp \
         AWS::Transfer::Workflow AWS::Translate::ParallelData AWS::Translate::Terminology \
         AWS::VerifiedPermissions::PolicyStore AWS::VoiceID::Domain AWS::VpcLattice::AccessLogSubscription \
         AWS::VpcLattice::DomainVerification AWS::VpcLattice::Listener AWS::VpcLattice::ResourceConfiguration \
         AWS::VpcLattice::ResourceGateway AWS::VpcLattice::Rule AWS::VpcLattice::Service \
         AWS::VpcLattice::ServiceNetwork AWS::VpcLattice::ServiceNetworkResourceAssociation \
         AWS::VpcLattice::ServiceNetworkServiceAssociation AWS::VpcLattice::ServiceNetworkVpcAssociation \
         AWS::VpcLattice::TargetGroup AWS::WAFv2::IPSet AWS::WAFv2::RegexPatternSet AWS::WAFv2::RuleGroup \
         AWS::WAFv2::WebACL AWS::WellArchitected::AgentProfile AWS::WellArchitected::Lens \
         AWS::WellArchitected::Profile AWS::WellArchitected::ReviewTemplate AWS::WellArchitected::Workload \
         AWS::Wisdom::Content AWS::Wisdom::MessageTemplate AWS::Wisdom::QuickResponse AWS::WorkSpaces::Directory \
         AWS::WorkSpaces::Workspace AWS::WorkSpaces::WorkspaceIpGroup AWS::WorkSpaces::WorkspacesPool \
         AWS::WorkSpacesThinClient::Environment AWS::WorkSpacesWeb::BrowserSettings \
         AWS::WorkSpacesWeb::DataProtectionSettings AWS::WorkSpacesWeb::IdentityProvider \
         AWS::WorkSpacesWeb::IpAccessSettings AWS::WorkSpacesWeb::NetworkSettings AWS::WorkSpacesWeb::Portal \
         AWS::WorkSpacesWeb::SessionLogger AWS::WorkSpacesWeb::TrustStore \
         AWS::WorkSpacesWeb::UserAccessLoggingSettings AWS::WorkSpacesWeb::UserSettings AWS::XRay::Group \
         AWS::XRay::SamplingRule",
    ),
    (
        TagForm::Map,
        "BackupPlanTags",
        "\
         AWS::Backup::BackupPlan",
    ),
    (
        TagForm::Map,
        "BackupVaultTags",
        "\
         AWS::Backup::BackupVault AWS::Backup::LogicallyAirGappedBackupVault",
    ),
    (
        TagForm::Map,
        "Tags",
        "\
         AWS::ARCRegionSwitch::Plan AWS::AmplifyUIBuilder::Component AWS::AmplifyUIBuilder::Form \
         AWS::AmplifyUIBuilder::Theme AWS::ApiGatewayV2::Api AWS::ApiGatewayV2::DomainName AWS::ApiGatewayV2::Stage \
         AWS::ApiGatewayV2::VpcLink AWS::AppTest::TestCase AWS::Batch::ConsumableResource AWS::Batch::JobDefinition \
         AWS::Batch::JobQueue AWS::Batch::QuotaShare AWS::Batch::SchedulingPolicy AWS::Batch::ServiceEnvironment \
         AWS::Bedrock::Agent AWS::Bedrock::AgentAlias AWS::Bedrock::Flow AWS::Bedrock::FlowAlias \
         AWS::Bedrock::KnowledgeBase AWS::Bedrock::Prompt AWS::BedrockAgentCore::BrowserCustom \
         AWS::BedrockAgentCore::BrowserProfile AWS::BedrockAgentCore::CodeInterpreterCustom \
         AWS::BedrockAgentCore::Gateway AWS::BedrockAgentCore::Memory AWS::BedrockAgentCore::Runtime \
         AWS::BedrockAgentCore::RuntimeEndpoint AWS::CodeStarNotifications::NotificationRule AWS::EKS::Nodegroup \
         AWS::ElementalInference::Dictionary AWS::ElementalInference::Feed AWS::FIS::ExperimentTemplate \
         AWS::Glue::Connection AWS::GreengrassV2::ComponentVersion AWS::GreengrassV2::Deployment \
         AWS::ImageBuilder::Component AWS::ImageBuilder::ContainerRecipe AWS::ImageBuilder::DistributionConfiguration \
         AWS::ImageBuilder::Image AWS::ImageBuilder::ImagePipeline AWS::ImageBuilder::ImageRecipe \
         AWS::ImageBuilder::InfrastructureConfiguration AWS::ImageBuilder::LifecyclePolicy \
         AWS::ImageBuilder::Workflow AWS::InspectorV2::CisScanConfiguration AWS::InspectorV2::CodeSecurityIntegration \
         AWS::InspectorV2::CodeSecurityScanConfiguration AWS::InspectorV2::Filter AWS::IoTTwinMaker::ComponentType \
         AWS::IoTTwinMaker::Entity AWS::IoTTwinMaker::Scene AWS::IoTTwinMaker::Workspace AWS::M2::Application \
         AWS::M2::Environment AWS::MSK::Channel AWS::MSK::Cluster AWS::MSK::VpcConnection \
         AWS::MWAAServerless::Workflow AWS::Oam::Link AWS::Oam::Sink AWS::Omics::Configuration AWS::Omics::RunGroup \
         AWS::Omics::SequenceStore AWS::Omics::Workflow AWS::Omics::WorkflowVersion AWS::PCAConnectorAD::Connector \
         AWS::PCAConnectorAD::DirectoryRegistration AWS::PCAConnectorAD::Template AWS::PCAConnectorSCEP::Challenge \
         AWS::PCAConnectorSCEP::Connector AWS::PCS::Queue AWS::Pipes::Pipe AWS::ResilienceHub::App \
         AWS::ResilienceHub::ResiliencyPolicy AWS::ResourceExplorer2::Index AWS::ResourceExplorer2::View \
         AWS::RoboMaker::Fleet AWS::RoboMaker::Robot AWS::RoboMaker::RobotApplication \
         AWS::RoboMaker::SimulationApplication AWS::SSM::Parameter AWS::SSMQuickSetup::ConfigurationManager \
         AWS::SSMQuickSetup::LifecycleAutomation AWS::SecurityHub::AggregatorV2 AWS::SecurityHub::AutomationRule \
         AWS::SecurityHub::AutomationRuleV2 AWS::SecurityHub::ConfigurationPolicy AWS::SecurityHub::Connector \
         AWS::SecurityHub::ConnectorV2 AWS::SecurityHub::Hub AWS::SecurityHub::HubV2 \
         AWS::ServiceCatalogAppRegistry::Application AWS::ServiceCatalogAppRegistry::AttributeGroup",
    ),
    (
        TagForm::Map,
        "TieringConfigurationTags",
        "\
         AWS::Backup::TieringConfiguration",
    ),
    (
        TagForm::Map,
        "UserPoolTags",
        "\
         AWS::Cognito::UserPool AWS::Cognito::UserPoolRegionalConfigurationAttachment",
    ),
    (
        TagForm::Propagated,
        "Tags",
        "\
         AWS::AutoScaling::AutoScalingGroup",
    ),
];
